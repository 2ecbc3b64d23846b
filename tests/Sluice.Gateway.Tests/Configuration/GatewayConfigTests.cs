namespace Sluice.Gateway.Tests;

public sealed class GatewayConfigTests
{
    [Fact]
    public void A_whole_file_is_read()
    {
        var config = Read("""
            listen: {host: 0.0.0.0, port: 9000}
            engines:
              - url: gpu-1:8000
              - {url: "https://gpu-2/v1", name: two, places: 128, kind: vllm, api-key: k}
              - {demo: llama-3.1-8b@a100, speedup: 2}
            aliases: {gpt-4o: llama}
            policy: {system: qlm, set: {tick: 2}}
            priority: higher-first
            classes:
              interactive: {ttft: 500ms, on-late: hold}
              night: {e2e: 12h, queue: never, keeps-progress: true, on-interruption: fail}
            limits: {body-mb: 1, drain: 5s}
            storage: {folder: data}
            admin: {host: 0.0.0.0, port: 9001, token: secret}
            dashboard: open
            telemetry: {otlp: "http://collector:4317", protocol: grpc, service: edge, every: 10s}
            tenants:
              acme:
                weight: 2
                requests-per-minute: 600
                class: night
                keys: [{name: laptop, env: ACME_KEY}]
            """, out var problems);

        Assert.Empty(problems);
        var options = config!.Options;
        Assert.Equal(("0.0.0.0", 9000), (options.Host, options.Port));
        Assert.Equal(["gpu-1:8000", "two", "demo-3"], config.Engines.Select(e => e.Name));
        Assert.Equal(new Uri("http://gpu-1:8000"), config.Engines[0].Url);
        Assert.Equal(128, config.Engines[1].Places);
        Assert.Equal(2, config.Engines[2].Speedup);
        Assert.Equal("llama", options.Aliases["gpt-4o"]);
        Assert.Equal("2", options.Settings["tick"]);
        Assert.Equal(PriorityPolarity.HigherFirst, options.Priority);
        Assert.Equal(1 << 20, options.BodyBytesMax);
        Assert.Equal("data", config.Folder);
        Assert.Equal(new AdminOptions { Host = "0.0.0.0", Port = 9001, Token = "secret" }, config.Admin);
        Assert.True(options.IsDashboardOpen);
        Assert.Equal(
            new() { Endpoint = new("http://collector:4317"), IsGrpc = true, Service = "edge", MetricsEvery = TimeSpan.FromSeconds(10) },
            options.Telemetry);
        var acme = Assert.Single(config.Tenants);
        Assert.Equal(("acme", 2, 600L, "night"), (acme.Id, acme.Weight, acme.RequestsPerMinute!.Value, acme.Class));
        Assert.Equal(new TenantKeySpec("laptop", null, "ACME_KEY"), Assert.Single(acme.Keys));
        var interactive = options.Classes[options.Classes.IdOf("interactive")];
        Assert.Equal(500, interactive.Slo.Ttft.TotalMilliseconds);
        Assert.Equal(200, interactive.Slo.Tpot.TotalMilliseconds);
        Assert.False(interactive.Refuses);
        var night = options.Classes[options.Classes.IdOf("night")];
        Assert.Equal(TimeSpan.FromHours(12), night.Slo.E2e);
        Assert.Equal(TimeSpan.MaxValue, night.QueueMax);
        Assert.Equal(Interruption.Fail, night.OnInterruption);
    }

    [Fact]
    public void Several_addresses_are_engines_that_share_a_device()
    {
        var config = Read("engines: [{url: \"gpu-1:8001, gpu-1:8002\", kind: vllm}]", out var problems);

        Assert.Empty(problems);
        var spec = Assert.Single(config!.Engines);
        Assert.Equal(("gpu-1:8001", "http://gpu-1:8002/"), (spec.Name, spec.Sharing));
        var upstream = EngineFactory.Make(spec, TimeProvider.System).Upstream;
        Assert.IsType<Upstreams.SharedDeviceUpstream>(upstream);
    }

    public static TheoryData<string, string> Mistakes => new()
    {
        { "engine: []", ":1:1: no such key 'engine'; did you mean 'engines'?" },
        { "listen:\n  prot: 80", ":2:3: listen: no such key 'prot'; did you mean 'port'?" },
        { "listen: {port: many}", ":1:16: listen: port: 'many': expected a whole number from 0 to 65535" },
        { "listen: 8700", ":1:9: listen: expected a map" },
        { "engines:\n  - {name: x}", ":2:5: engines[0]: expected one of url" },
        { "engines:\n  - {url: \"ftp://x\"}", ":2:11: engines[0]: url: 'ftp://x': expected an address" },
        { "engines:\n  - {demo: llama-3.1-8b@a10000}", "llama-3.1-8b@a100" },
        { "engines:\n  - {url: \"http://a\"}\n  - {url: \"http://a\"}", ":3:5: engines[1]: another engine is called 'a'" },
        { "engines:\n  - {url: \"http://a\", kind: vlm}", "did you mean 'vllm'?" },
        { "engines: {url: x}", ":1:10: engines: expected a list" },
        { "classes:\n  night: {ttft: soon}", ":2:17: classes.night: ttft: 'soon': expected a time such as 200ms" },
        { "classes:\n  night: {on-late: refus}", "did you mean 'refuse'?" },
        { "policy: {system: qml}", "did you mean 'qlm'?" },
        { "policy: {set: {tik: 2}}", "did you mean 'tick'?" },
        { "limits: {live: 0}", "expected a whole number from 1" },
        { "storage: {folder: a, postgres: b}", "expected folder or postgres, not both" },
        { "priority: sideways", ":1:11: priority: 'sideways': expected lower-first, higher-first" },
        { "a: [", ":1:" },
        { "admin: {host: 0.0.0.0}", ":1:15: admin: host: admin host 0.0.0.0: whoever reaches it could make keys" },
        { "admin: {tokn: x}", "did you mean 'token'?" },
        { "dashboard: opne", ":1:12: dashboard: 'opne': expected open, closed" },
        { "telemetry: {otlp: collector}", "expected a collector's address" },
        { "telemetry: {otpl: \"http://c:4318\"}", "did you mean 'otlp'?" },
        { "tenants:\n  acme: {wieght: 2}", ":2:10: tenants.acme: no such key 'wieght'; did you mean 'weight'?" },
        { "tenants:\n  acme: {class: nigth}", "no such class" },
        { "tenants:\n  \"a b\": {}", "a tenant's id has at most 100 letters" },
        { "tenants:\n  acme: {keys: [{name: x}]}", "expected sha256, the key's hash, or env" },
        { "tenants:\n  acme: {keys: [{sha256: abc}]}", "expected 64 hexadecimal digits" },
    };

    [Theory, MemberData(nameof(Mistakes))]
    public void A_mistake_is_named_with_its_place_and_what_would_be_right(string text, string says)
    {
        Read(text, out var problems);

        Assert.Contains(says, Assert.Single(problems), StringComparison.Ordinal);
    }

    [Fact]
    public void All_mistakes_are_found_at_once()
    {
        Read("listen: {port: x}\nclases: {}\nlimits: {drain: 5 parsecs}", out var problems);

        Assert.Equal(3, problems.Count);
    }

    [Fact]
    public void An_empty_file_is_all_defaults() => Assert.NotNull(Read("", out _));

    private static GatewayConfig? Read(string text, out IReadOnlyList<string> problems)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, text);
            return GatewayConfig.Check(path, out problems);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
