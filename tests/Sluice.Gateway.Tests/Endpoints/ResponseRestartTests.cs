using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Sluice.Upstreams;

namespace Sluice.Gateway.Tests;

/// <summary>Background responses and the end of the gateway that accepted them.</summary>
public sealed class ResponseRestartTests : IDisposable
{
    private readonly string _folder = BatchGateway.NewFolder();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task One_that_was_not_finished_is_finished_after_the_next_start()
    {
        var id = await BeforeAsync(async gateway => IdOf(await PostAsync(gateway, "first", background: true)), Stuck());
        var engine = new FakeUpstream();

        await AfterAsync(
            async gateway =>
            {
                var answer = await UntilOverAsync(gateway.Client, id);
                Assert.Equal("completed", answer.GetProperty("status").GetString());
                Assert.Equal("one two three", TextOf(answer));
            },
            engine);

        var chat = JsonDocument.Parse(Assert.Single(engine.Calls).Body).RootElement;
        Assert.Equal("say first", chat.GetProperty("messages")[0].GetProperty("content").GetString());
    }

    [Fact]
    public async Task One_that_was_finished_is_there_after_the_next_start_and_is_not_run_again()
    {
        var id = await BeforeAsync(
            async gateway =>
            {
                var id = IdOf(await PostAsync(gateway, "first", background: true));
                await UntilOverAsync(gateway.Client, id);
                return id;
            },
            new FakeUpstream());
        var engine = new FakeUpstream();

        await AfterAsync(
            async gateway =>
            {
                var answer = await (await gateway.Client.GetAsync($"/v1/responses/{id}")).JsonAsync();
                Assert.Equal(("completed", "one two three"), (answer.GetProperty("status").GetString(), TextOf(answer)));
                await PostAsync(gateway, "second", background: false, $",\"previous_response_id\":\"{id}\"");
                Assert.Equal(200, (int)(await gateway.Client.DeleteAsync($"/v1/responses/{id}")).StatusCode);
                Assert.Equal(404, (int)(await gateway.Client.GetAsync($"/v1/responses/{id}")).StatusCode);
            },
            engine);

        var messages = JsonDocument.Parse(Assert.Single(engine.Calls).Body).RootElement.GetProperty("messages");
        Assert.Equal(
            ["say first", "one two three", "say second"], messages.EnumerateArray().Select(m => m.GetProperty("content").GetString()));
    }

    [Fact]
    public async Task One_that_was_cancelled_stays_cancelled()
    {
        var id = await BeforeAsync(
            async gateway =>
            {
                var id = IdOf(await PostAsync(gateway, "first", background: true));
                var cancelled = await (await gateway.PostAsync($"/v1/responses/{id}/cancel", "")).JsonAsync();
                Assert.Equal("cancelled", cancelled.GetProperty("status").GetString());
                return id;
            },
            Stuck());

        await AfterAsync(
            async gateway => Assert.Equal("cancelled", (await UntilOverAsync(gateway.Client, id)).GetProperty("status").GetString()),
            new FakeUpstream());
    }

    [Fact]
    public async Task Killing_the_gateway_loses_none()
    {
        var ids = new List<string>();
        using (var first = Start("stuck"))
        {
            using var client = new HttpClient { BaseAddress = await AddressAsync(first) };
            for (var i = 0; i < 3; i++)
            {
                var response = await client.PostAsync(
                    "/v1/responses", new StringContent(Body($"number {i}", background: true, ""), Encoding.UTF8, "application/json"));
                ids.Add(IdOf(await response.JsonAsync()));
            }

            first.Kill();
            await first.WaitForExitAsync();
        }

        using var second = Start("well");
        using (var client = new HttpClient { BaseAddress = await AddressAsync(second) })
            foreach (var id in ids)
                Assert.Equal("completed", (await UntilOverAsync(client, id)).GetProperty("status").GetString());
        second.Kill();
        await second.WaitForExitAsync();
    }

    private static FakeUpstream Stuck() => new()
    {
        Script = async (_, _, cancel) =>
        {
            await FakeUpstream.ForeverAsync(cancel);
            return new(CallEnd.Cancelled, 0, -1, 0, "");
        },
    };

    private async Task<string> BeforeAsync(Func<TestGateway, Task<string>> act, FakeUpstream engine)
    {
        var id = "";
        await AfterAsync(async gateway => id = await act(gateway), engine);
        return id;
    }

    private async Task AfterAsync(Func<TestGateway, Task> act, FakeUpstream engine)
    {
        await using var durable = await DurableParts.OpenAsync(new(_folder));
        await using var gateway = await TestGateway.StartAsync(
            new GatewayOptions { Drain = TimeSpan.FromMilliseconds(1) }, durable.With(new()), engine);
        await act(gateway);
    }

    private static async Task<JsonElement> PostAsync(TestGateway gateway, string what, bool background, string more = "")
    {
        var response = await gateway.PostAsync("/v1/responses", Body(what, background, more));
        var json = await response.JsonAsync();
        Assert.True(response.IsSuccessStatusCode, json.ToString());
        return json;
    }

    private static string Body(string what, bool background, string more) =>
        $$"""{"model":"m","input":"say {{what}}","background":{{(background ? "true" : "false")}}{{more}}}""";

    private static async Task<JsonElement> UntilOverAsync(HttpClient client, string id)
    {
        while (true)
        {
            var answer = await (await client.GetAsync($"/v1/responses/{id}")).JsonAsync();
            if (answer.GetProperty("status").GetString() is not ("queued" or "in_progress")) return answer;
        }
    }

    private static string IdOf(JsonElement response) => response.GetProperty("id").GetString()!;

    private static string? TextOf(JsonElement response) =>
        response.GetProperty("output")[0].GetProperty("content")[0].GetProperty("text").GetString();

    private Process Start(string how) => Process.Start(
        new ProcessStartInfo("dotnet", ["exec", typeof(BatchHost).Assembly.Location, "response-host", _folder, how])
        {
            RedirectStandardOutput = true,
        })!;

    private static async Task<Uri> AddressAsync(Process process)
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
            if (line.StartsWith("at ", StringComparison.Ordinal)) return new(line["at ".Length..]);
        throw new InvalidOperationException($"the gateway ended with {process.ExitCode}");
    }
}
