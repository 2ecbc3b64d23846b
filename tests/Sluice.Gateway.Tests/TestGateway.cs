using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sluice.Upstreams;

namespace Sluice.Gateway.Tests;

/// <summary>A gateway on a free port of this machine, with a client.</summary>
internal sealed class TestGateway : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TestGateway(WebApplication app)
    {
        _app = app;
        Client = new(new SocketsHttpHandler { UseProxy = false, ResponseDrainTimeout = TimeSpan.Zero }) { BaseAddress = new(app.Urls.First()), Timeout = TimeSpan.FromSeconds(30) };
        Services = app.Services.GetRequiredService<GatewayServices>();
    }

    public HttpClient Client { get; }
    public GatewayServices Services { get; }
    public DispatcherLoop Loop => Services.Loop;
    public Uri Address => Client.BaseAddress!;

    public static Task<TestGateway> StartAsync(params IUpstream[] engines) => StartAsync(new(), null, engines);

    public static async Task<TestGateway> StartAsync(GatewayOptions options, GatewayParts? parts, params IUpstream[] engines)
    {
        var app = GatewayHost.Build(
            options with { Port = 0, ProbeEvery = TimeSpan.FromMilliseconds(20), ReportEvery = TimeSpan.FromMilliseconds(50) },
            [.. engines.Select(e => new EngineEntry(e))], parts);
        await app.StartAsync();
        return new(app);
    }

    public Task StopAsync() => _app.StopAsync();

    /// <summary>Until it was told to stop, by whomever.</summary>
    public Task EndedAsync() => _app.WaitForShutdownAsync();

    public static string Chat(string more = "", string text = "hello") =>
        $$"""{"model":"m","messages":[{"role":"user","content":{{JsonSerializer.Serialize(text)}}}]{{more}}}""";

    public Task<HttpResponseMessage> PostAsync(
        string path, string json, CancellationToken cancel = default, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
    }

    public Task<HttpResponseMessage> ChatAsync(string more = "", params (string Name, string Value)[] headers) =>
        PostAsync("/v1/chat/completions", Chat(more), default, headers);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}

internal static class Answers
{
    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage response) =>
        await response.Content.ReadFromJsonAsync<JsonElement>();

    /// <summary>The events of a stream, without <c>data:</c>.</summary>
    public static async Task<List<string>> EventsAsync(this HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        return [.. text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(e => e["data: ".Length..])];
    }

    /// <summary>The text of a chat stream's events.</summary>
    public static string TextOf(IEnumerable<string> events) => string.Concat(
        from e in events
        where e != "[DONE]"
        from choice in JsonDocument.Parse(e).RootElement.GetProperty("choices").EnumerateArray()
        select choice.GetProperty("delta").TryGetProperty("content", out var content) ? content.GetString() : "");

    public static string Header(this HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.Single() : "";
}
