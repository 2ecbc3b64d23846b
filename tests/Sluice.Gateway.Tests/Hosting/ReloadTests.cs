using System.Net;

namespace Sluice.Gateway.Tests;

/// <summary>A running gateway takes in a changed configuration.</summary>
public sealed class ReloadTests
{
    private static readonly EngineSpec s_first = new() { Name = "one", Demo = "llama-3.1-8b@h100", Speedup = 1000 };
    private static readonly EngineSpec s_second = s_first with { Name = "two" };

    [Fact]
    public async Task Classes_and_aliases_change_without_a_restart()
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());
        var classes = new SloClasses([.. SloClasses.Default.All, new() { Name = "night" }]);

        await GatewayReload.ApplyAsync(
            gateway.Services, new(gateway.Services.Options with { Classes = classes, Aliases = new Dictionary<string, string> { ["gpt"] = "m" } }, [], null, null));

        var response = await gateway.PostAsync(
            "/v1/chat/completions", """{"model":"gpt","messages":[]}""", default, ("x-sluice-class", "night"));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("night", response.Header("x-sluice-class"));
    }

    [Fact]
    public async Task Tenants_of_the_file_are_let_in_with_their_keys_and_only_they()
    {
        var folder = BatchGateway.NewFolder();
        await using var durable = await DurableParts.OpenAsync(new(folder));
        await using (var gateway = await TestGateway.StartAsync(new(), durable.With(new()), new FakeUpstream()))
        {
            var hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData("sk-ours"u8));
            TenantKeySpec[] keys = [new("laptop", hash, null), new("none", null, "NO_SUCH_VARIABLE")];
            var tenants = new TenantSpec("acme", 1, null, null, "interactive", keys);
            Assert.Equal(HttpStatusCode.OK, (await gateway.ChatAsync()).StatusCode);

            var config = new GatewayConfig(gateway.Services.Options, [], null, null) { Tenants = [tenants] };
            var said = await GatewayReload.ApplyAsync(gateway.Services, config);
            await GatewayReload.ApplyAsync(gateway.Services, config); // The same again changes nothing.

            Assert.Contains("tenant acme: in use, 1 key", said);
            Assert.Contains(said, line => line.Contains("the variable NO_SUCH_VARIABLE holds no key", StringComparison.Ordinal));
            Assert.Equal(HttpStatusCode.Unauthorized, (await gateway.ChatAsync()).StatusCode);
            var let = await gateway.ChatAsync("", ("Authorization", "Bearer sk-ours"));
            Assert.Equal((HttpStatusCode.OK, "interactive"), (let.StatusCode, let.Header("x-sluice-class")));
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task What_cannot_change_is_said()
    {
        var options = new GatewayOptions { JournalFolder = BatchGateway.NewFolder() };
        await using var gateway = await TestGateway.StartAsync(options, null, new FakeUpstream());
        Assert.DoesNotContain(
            "limits: need a restart",
            await GatewayReload.ApplyAsync(gateway.Services, new(gateway.Services.Options with { JournalFolder = null }, [], null, null)));

        var said = await GatewayReload.ApplyAsync(
            gateway.Services, new(gateway.Services.Options with { Port = 1, System = "vllm-v1", LiveMax = 7 }, [], null, null));

        Assert.Contains("listen: needs a restart", said);
        Assert.Contains("policy: needs a restart", said);
        Assert.Contains("limits: need a restart", said);
        Assert.Equal("qlm", gateway.Services.Options.System);
    }

    [Fact]
    public async Task An_engine_that_is_taken_away_ends_what_it_has_and_another_takes_over()
    {
        await using var gateway = await TestGateway.StartAsync();
        await GatewayReload.ApplyAsync(gateway.Services, new(gateway.Services.Options, [s_first], null, null));
        var running = gateway.PostAsync(
            "/v1/chat/completions", """{"model":"demo/llama-3.1-8b","messages":[{"role":"user","content":"x"}],"max_tokens":50}""");

        await GatewayReload.ApplyAsync(gateway.Services, new(gateway.Services.Options, [s_second], null, null));

        Assert.Equal(HttpStatusCode.OK, (await running).StatusCode);
        var next = await gateway.PostAsync(
            "/v1/chat/completions", """{"model":"demo/llama-3.1-8b","messages":[{"role":"user","content":"x"}],"max_tokens":5}""");
        Assert.Equal("two", next.Header("x-sluice-engine"));
    }
}
