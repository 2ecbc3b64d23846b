
namespace Sluice.Upstreams.Tests;

/// <summary>The contract over real sockets, with servers that answer as the engines do.</summary>
public abstract class HttpContract : UpstreamContract
{
    private HttpUpstream? _upstream;

    internal FakeServer Server => _server ??= Make();

    private FakeServer? _server;

    internal override IUpstream Upstream =>
        _upstream ??= new HttpUpstream(new HttpUpstreamOptions { Name = "fake", Address = Server.Address }, TimeProvider.System);

    protected override string Model => FakeEngines.Model;

    internal abstract FakeServer Make();

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await Server.DisposeAsync();
    }

    protected FakeRequestList SentTo(string path) => new([.. Server.Asked(path).Select(r => r.Body)]);

    protected sealed record FakeRequestList(IReadOnlyList<string> Bodies)
    {
        public System.Text.Json.Nodes.JsonNode Last => System.Text.Json.Nodes.JsonNode.Parse(Bodies[^1])!;
    }
}

public sealed class VllmDriverTests : HttpContract
{
    protected override UpstreamKind Kind => UpstreamKind.Vllm;

    internal override FakeServer Make() => FakeEngines.MakeVllm();

    [Fact]
    public void It_knows_version_context_and_that_priorities_count()
    {
        var found = Upstream.Capabilities;

        Assert.Equal(("0.15.0", true, true, 8192), (found.Version, found.HasPriority, found.CanSwap, found.Models[0].ContextMax));
    }

    [Fact]
    public async Task An_engine_that_refuses_priorities_gets_none()
    {
        await using var server = FakeEngines.MakeVllm();
        server.Map("POST /v1/completions", FakeEngines.Vllm.Refusal, 400);
        await using var upstream = new HttpUpstream(new() { Name = "x", Address = server.Address }, TimeProvider.System);
        await upstream.ProbeAsync(default);

        await upstream.CallAsync(Calls.Chat(Model, new { priority = 7 }) with { Priority = 3 }, new Answers(), default);

        Assert.False(upstream.Capabilities.HasPriority);
        Assert.Equal(0, (int)server.Asked("/v1/chat/completions")[0].Json["priority"]!);
    }

    [Fact]
    public async Task A_priority_goes_out_as_it_is()
    {
        await Upstream.CallAsync(Calls.Chat(Model) with { Priority = 3 }, new Answers(), default);

        Assert.Equal(3, (int)SentTo("/v1/chat/completions").Last["priority"]!);
    }

    [Fact]
    public async Task Metrics_become_a_report()
    {
        Assert.Equal(new UpstreamReport(3, 2, 0.25, 2048, 16, 12345), await Upstream.ReportAsync(default));
    }

    [Fact]
    public async Task The_prompt_is_counted_by_the_engine()
    {
        Assert.Equal(17, await Upstream.PromptTokensAsync(Calls.Chat(Model), default));
        Assert.NotNull(SentTo("/tokenize").Last["messages"]);
    }

    [Fact]
    public async Task A_sleeping_engine_has_no_model_until_it_is_woken()
    {
        Server.Map("GET /is_sleeping", """{"is_sleeping":true}""");
        Server.Map("POST /wake_up", (_, reply) =>
        {
            Server.Map("GET /is_sleeping", """{"is_sleeping":false}""");
            return reply.WholeAsync(200, "text/plain", "");
        });
        await Upstream.ProbeAsync(default);
        Assert.False(Upstream.Capabilities.Models[0].IsLoaded);

        Assert.True(await Upstream.LoadAsync(Model, default));

        Assert.True(Upstream.Capabilities.Models[0].IsLoaded);
    }

    [Fact]
    public async Task A_chat_goes_on_in_a_last_message_that_stays_open()
    {
        await Upstream.CallAsync(Calls.Chat(Model, new { max_tokens = 9 }, resume: new("One two", 2)), new Answers(), default);

        var sent = SentTo("/v1/chat/completions").Last;
        Assert.Equal((true, false, 7), ((bool)sent["continue_final_message"]!, (bool)sent["add_generation_prompt"]!, (int)sent["max_tokens"]!));
        Assert.Equal("One two", (string?)sent["messages"]!.AsArray()[^1]!["content"]);
        Assert.Equal(2, sent["messages"]!.AsArray().Count);
    }

    [Fact]
    public async Task A_cancelled_call_is_aborted_by_its_id()
    {
        using var cancel = new CancellationTokenSource();
        var aborted = new TaskCompletionSource<string>();
        Server.Map("POST /abort_requests", (request, reply) =>
        {
            aborted.TrySetResult(request.Body);
            return reply.JsonAsync(200, "{}");
        });
        Server.Map("POST /v1/chat/completions", async (_, reply) =>
        {
            await reply.StreamAsync();
            await cancel.CancelAsync();
            await reply.GoneAsync();
        });

        var outcome = await Upstream.CallAsync(Calls.Chat(Model), new Answers(), cancel.Token);

        Assert.Equal(CallEnd.Cancelled, outcome.End);
        var id = Server.Asked("/v1/chat/completions")[^1].Headers["X-Request-Id"];
        Assert.StartsWith("req-1.", id);
        Assert.Equal($$"""{"request_ids":["chatcmpl-{{id}}"]}""", await aborted.Task);
    }
}

public sealed class SglangDriverTests : HttpContract
{
    protected override UpstreamKind Kind => UpstreamKind.Sglang;

    internal override FakeServer Make() => FakeEngines.MakeSglang();

    [Fact]
    public void It_knows_version_batch_and_that_priorities_count()
    {
        var found = Upstream.Capabilities;

        Assert.Equal(("0.5.6", true, true, 48), (found.Version, found.HasPriority, found.CanSwap, found.SequencesMax));
    }

    [Fact]
    public async Task Metrics_become_a_report()
    {
        Assert.Equal(new UpstreamReport(3, 2, 0.25, 2048, 16, 12345), await Upstream.ReportAsync(default));
    }

    [Fact]
    public async Task A_priority_is_turned_round_because_higher_is_earlier_and_the_id_goes_along()
    {
        await Upstream.CallAsync(Calls.Chat(Model) with { Priority = 3 }, new Answers(), default);

        var sent = SentTo("/v1/chat/completions").Last;
        Assert.Equal(-3, (int)sent["priority"]!);
        Assert.StartsWith("req-1.", (string)sent["rid"]!);
    }

    [Fact]
    public async Task A_priority_stays_where_lower_is_earlier()
    {
        Server.Map("GET /get_server_info", """{"enable_priority_scheduling":true,"schedule_low_priority_values_first":true}""");
        await Upstream.ProbeAsync(default);

        await Upstream.CallAsync(Calls.Chat(Model) with { Priority = 3 }, new Answers(), default);

        Assert.Equal(3, (int)SentTo("/v1/chat/completions").Last["priority"]!);
    }
}

public sealed class LlamaCppDriverTests : HttpContract
{
    protected override UpstreamKind Kind => UpstreamKind.LlamaCpp;

    internal override FakeServer Make() => FakeEngines.MakeLlamaCpp();

    [Fact]
    public void It_knows_version_slots_and_context()
    {
        var found = Upstream.Capabilities;

        Assert.Equal(("b9000-0123456", 4, 4096), (found.Version, found.SequencesMax, found.Models[0].ContextMax));
    }

    [Fact]
    public async Task Slots_and_metrics_become_a_report()
    {
        Assert.Equal(new UpstreamReport(2, 5, 0.5, 4, 4096, 12345), await Upstream.ReportAsync(default));
    }

    [Fact]
    public async Task Slots_alone_will_do()
    {
        Server.Map("GET /metrics", """{"error":{"code":501,"message":"This server does not support metrics endpoint.","type":"not_supported_error"}}""", 501);

        Assert.Equal(new UpstreamReport(2, -1, 0.5, 4, 4096, -1), await Upstream.ReportAsync(default));
    }

    [Fact]
    public async Task A_server_that_still_loads_its_model_is_not_there_yet()
    {
        Server.Map("GET /health", """{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}""", 503);
        Server.Map("GET /v1/models", """{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}""", 503);

        Assert.False(await Upstream.ProbeAsync(default));
    }

    [Fact]
    public async Task The_prompt_is_counted_by_the_engine()
    {
        Assert.Equal(17, await Upstream.PromptTokensAsync(Calls.Chat(Model), default));
    }
}

/// <summary>A llama.cpp server started with <c>--slot-save-path</c>.</summary>
public sealed class LlamaCppSlotTests : HttpContract
{
    protected override UpstreamKind Kind => UpstreamKind.LlamaCpp;

    internal override FakeServer Make()
    {
        var server = FakeEngines.MakeLlamaCpp();
        for (var slot = 0; slot < 4; slot++) MapSlot(server, slot);
        return server;
    }

    [Fact]
    public void It_is_found_to_keep_KV() => Assert.Equal(Keeping.Kv, Upstream.Capabilities.Keeping);

    [Fact]
    public async Task An_evicted_call_is_saved_from_its_slot_and_goes_on_in_a_slot_that_has_it_back()
    {
        var evicted = await EvictAsync(new(7));

        Assert.Equal((CallEnd.Evicted, 2), (evicted.End, evicted.OutputTokens));
        Assert.True(Upstream.Keeps(new(7)));
        var slot = (int)SentTo("/v1/chat/completions").Last["id_slot"]!;
        Assert.Equal([$"/slots/{slot}?action=save"], Actions());

        FakeEngines.MapModel(Server, FakeEngines.LlamaCpp);
        var rest = new Answers();
        var outcome = await Upstream.CallAsync(
            Calls.Chat(Model, new { max_tokens = 5 }, resume: new("One two", 2)) with { Id = new(7) }, rest, default);

        Assert.Equal((CallEnd.Completed, " three four five."), (outcome.End, rest.Text));
        var now = (int)SentTo("/v1/chat/completions").Last["id_slot"]!;
        Assert.Equal([$"/slots/{slot}?action=save", $"/slots/{now}?action=restore"], Actions());
        Assert.Single(SlotBodies().Distinct()); // The same file.
        Assert.False(Upstream.Keeps(new(7)));
    }

    [Fact]
    public async Task What_is_forgotten_is_not_brought_back_and_its_file_is_used_again()
    {
        await EvictAsync(new(7));
        Upstream.Forget(new(7));
        await EvictAsync(new(8));

        Assert.False(Upstream.Keeps(new(7)));
        Assert.True(Upstream.Keeps(new(8)));
        Assert.Single(SlotBodies().Distinct());
    }

    [Fact]
    public async Task A_slot_that_cannot_be_saved_is_a_call_that_is_not_kept()
    {
        for (var slot = 0; slot < 4; slot++) Server.Map($"POST /slots/{slot}?action=save", """{"error":{"code":500}}""", 500);

        var evicted = await EvictAsync(new(7));

        Assert.Equal(CallEnd.Evicted, evicted.End);
        Assert.False(Upstream.Keeps(new(7)));
    }

    [Fact]
    public async Task Calls_at_once_have_slots_of_their_own_and_a_like_call_gets_the_slot_of_its_forerunner()
    {
        var first = await SlotOfAsync(new string('a', 200));
        var second = await SlotOfAsync(new string('b', 200));
        Assert.NotEqual(first, second);

        Assert.Equal(first, await SlotOfAsync(new string('a', 300)));
        Assert.Equal(second, await SlotOfAsync(new string('b', 300)));

        async Task<int> SlotOfAsync(string text)
        {
            var call = Calls.Raw(Model, $$"""{"messages":[{"role":"user","content":"{{text}}"}],"max_tokens":1}""");
            await Upstream.CallAsync(call, new Answers(), default);
            return (int)SentTo("/v1/chat/completions").Last["id_slot"]!;
        }
    }

    [Fact]
    public async Task A_server_that_cannot_save_chooses_its_slots_itself()
    {
        await using var server = FakeEngines.MakeLlamaCpp();
        server.Map("POST /slots/0?action=save", """{"error":{"code":501,"message":"This server does not support slots action. Start it with `--slot-save-path`","type":"not_supported_error"}}""", 501);
        await using IUpstream upstream = new HttpUpstream(new() { Name = "x", Address = server.Address }, TimeProvider.System);
        await upstream.ProbeAsync(default);

        await upstream.CallAsync(Calls.Chat(Model), new Answers(), default);

        Assert.Equal(Keeping.None, upstream.Capabilities.Keeping);
        Assert.Null(server.Asked("/v1/chat/completions")[0].Json["id_slot"]);
        Assert.False(upstream.TryEvict(new(0)));
    }

    private async Task<CallOutcome> EvictAsync(Core.RequestId id)
    {
        Server.Map("POST /v1/chat/completions", async (_, reply) =>
        {
            await reply.StreamAsync();
            foreach (var word in FakeEngines.Says.Take(2))
                await reply.EventAsync(FakeEngines.LlamaCpp.Piece.Replace("$TEXT", $"\"{word}\""));
            await reply.GoneAsync();
        });
        var events = 0;
        var answers = new Answers
        {
            OnEvent = _ =>
            {
                if (++events == 2) Assert.True(Upstream.TryEvict(id));
                return ValueTask.CompletedTask;
            },
        };
        return await Upstream.CallAsync(Calls.Chat(Model) with { Id = id }, answers, default);
    }

    private string[] Actions() => [.. Server.Requests.Where(IsAction).Select(r => r.Path)];

    private string[] SlotBodies() => [.. Server.Requests.Where(IsAction).Select(r => r.Body)];

    private static bool IsAction(FakeRequest request) =>
        request.Path.StartsWith("/slots/", StringComparison.Ordinal) && !request.Body.Contains("\"\"", StringComparison.Ordinal);

    private static void MapSlot(FakeServer server, int slot)
    {
        server.Map($"POST /slots/{slot}?action=save", (request, reply) => (string)request.Json["filename"]! == ""
            ? reply.JsonAsync(400, """{"error":{"code":400,"message":"Invalid filename","type":"invalid_request_error"}}""")
            : reply.JsonAsync(200, $$$"""{"id_slot":{{{slot}}},"filename":"x","n_saved":14,"n_written":14309796,"timings":{"save_ms":49.865}}"""));
        server.Map($"POST /slots/{slot}?action=restore", $$$"""{"id_slot":{{{slot}}},"filename":"x","n_restored":14,"n_read":14309796,"timings":{"restore_ms":42.937}}""");
    }
}

public sealed class LlamaCppRouterDriverTests : HttpContract
{
    private string _loaded = "m";

    protected override UpstreamKind Kind => UpstreamKind.LlamaCppRouter;

    internal override FakeServer Make()
    {
        var server = FakeEngines.MakeLlamaCpp();
        server.Map("GET /models", (_, reply) => reply.JsonAsync(200, $$$"""
            {"data":[{"id":"m","status":{"value":"{{{Status("m")}}}"}},{"id":"big model","status":{"value":"{{{Status("big model")}}}"}},
            {"id":"broken","status":{"value":"unloaded","failed":true,"exit_code":1} }]}
            """));
        server.Map("POST /models/unload", (_, reply) =>
        {
            _loaded = "";
            return reply.JsonAsync(200, """{"success":true}""");
        });
        server.Map("POST /models/load", (request, reply) =>
        {
            _loaded = (string)request.Json["model"]!;
            return reply.JsonAsync(200, """{"success":true}""");
        });
        return server;
    }

    private string Status(string model) => _loaded == model ? "loaded" : "unloaded";

    [Fact]
    public async Task Another_model_is_loaded_after_the_first_was_told_to_go()
    {
        Assert.True(Upstream.Capabilities.CanSwap);

        Assert.True(await Upstream.LoadAsync("big model", default));

        Assert.Equal(["big model"], Upstream.Capabilities.Models.Where(m => m.IsLoaded).Select(m => m.Name));
        Assert.Equal(["/models/unload", "/models/load"], Server.Requests.Where(r => r.Method == "POST").Select(r => r.Path));
    }

    [Fact]
    public async Task A_model_that_cannot_be_loaded_is_said_to_have_failed()
    {
        Assert.False(await Upstream.LoadAsync("broken", default));
    }

    [Fact]
    public async Task Questions_about_a_model_never_load_it()
    {
        await Upstream.ReportAsync(default);

        Assert.All(Server.Requests.Where(r => r.Path.Contains("model=")), r => Assert.Contains("autoload=false", r.Path));
    }
}

public sealed class OllamaDriverTests : HttpContract
{
    protected override UpstreamKind Kind => UpstreamKind.Ollama;

    internal override FakeServer Make() => FakeEngines.MakeOllama();

    [Fact]
    public async Task Another_model_is_loaded_after_the_first_was_told_to_go()
    {
        Assert.Equal(("0.12.6", true), (Upstream.Capabilities.Version, Upstream.Capabilities.CanSwap));

        Assert.True(await Upstream.LoadAsync("other", default));

        Assert.Equal(
            ["""{"model":"m","keep_alive":0}""", """{"model":"other","keep_alive":-1,"stream":false}"""], SentTo("/api/generate").Bodies);
    }

    [Fact]
    public void Only_what_runs_counts_as_loaded()
    {
        Assert.Equal([("m", true, 4096), ("other", false, 0)], Upstream.Capabilities.Models.Select(m => (m.Name, m.IsLoaded, m.ContextMax)));
    }
}

public sealed class OpenAiDriverTests : HttpContract
{
    protected override UpstreamKind Kind => UpstreamKind.OpenAi;

    internal override FakeServer Make()
    {
        var server = new FakeServer();
        FakeEngines.MapModel(server, FakeEngines.Ollama);
        server.Map("GET /v1/models", """{"object":"list","data":[{"id":"m","object":"model","owned_by":"organization_owner"}]}""");
        return server;
    }
}

public sealed class PacedContractTests : UpstreamContract
{
    private readonly ManualTime _time = new();

    public PacedContractTests() => Upstream = new PacedUpstream(
        new PacedOptions { Name = "demo", Models = [A.Profile()], System = A.System("vllm-v1") }, _time);

    internal override IUpstream Upstream { get; }

    protected override string Model => "demo/test";
    protected override UpstreamKind Kind => UpstreamKind.Paced;

    protected override Task<T> Wait<T>(Task<T> task)
    {
        _time.Advance(TimeSpan.FromSeconds(10));
        return task;
    }
}
