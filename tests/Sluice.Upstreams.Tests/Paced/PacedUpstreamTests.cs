using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Upstreams.Tests;

public sealed class PacedUpstreamTests
{
    private const string Model = "demo/test";

    private readonly ManualTime _time = new();

    private PacedUpstream Engine(
        EngineProfile? profile = null, int sequencesMax = 256, int outstandingMax = 100, double speedup = 1, params EngineProfile[] others) =>
        new(new PacedOptions
        {
            Name = "demo-0",
            Models = [profile ?? A.Profile(), .. others],
            System = A.System("vllm-v1"),
            Limits = new(SequencesMax: sequencesMax),
            OutstandingMax = outstandingMax,
            Speedup = speedup,
        }, _time);

    private static object Exactly(int tokens) => new { max_tokens = tokens, ignore_eos = true };

    /// <summary>Lets engine time pass far enough for anything to end.</summary>
    private async Task<CallOutcome> Finish(Task<CallOutcome> call)
    {
        _time.Advance(TimeSpan.FromMinutes(5));
        return await call;
    }

    [Fact]
    public async Task A_stream_has_one_event_per_token_then_the_reason_it_ended()
    {
        await using var engine = Engine();
        var answers = new Answers();

        var outcome = await Finish(engine.CallAsync(Calls.Chat(Model, Exactly(5)), answers, default));

        Assert.Equal((CallEnd.Completed, 200, 5), (outcome.End, outcome.Status, outcome.OutputTokens));
        Assert.Equal([1, 1, 1, 1, 1, 0], answers.Tokens);
        Assert.Equal("This answer comes from a", answers.Text);
        Assert.Equal("length", answers.FinishReason);
        Assert.All(answers.Events, e => Assert.Equal(Model, (string?)e["model"]));
        Assert.Equal("assistant", (string?)answers.Events[0]["choices"]![0]!["delta"]!["role"]);
    }

    [Fact]
    public async Task An_answer_that_is_not_streamed_comes_whole_with_its_usage()
    {
        await using var engine = Engine();
        var answers = new Answers();

        var outcome = await Finish(engine.CallAsync(Calls.Chat(Model, Exactly(5), stream: false), answers, default));

        var whole = Assert.Single(answers.Events);
        Assert.Equal("chat.completion", (string?)whole["object"]);
        Assert.Equal("This answer comes from a", answers.Text);
        Assert.Equal(5, (int)whole["usage"]!["completion_tokens"]!);
        Assert.Equal(outcome.PromptTokens, (int)whole["usage"]!["prompt_tokens"]!);
    }

    [Fact]
    public async Task Tokens_come_when_their_step_is_over_and_not_before()
    {
        await using var engine = Engine(); // A step takes 1 ms.
        var answers = new Answers();
        var call = engine.CallAsync(Calls.Completion(Model, Exactly(3)), answers, default);

        Assert.Equal((1, 0), ((await engine.ReportAsync(default))!.Value.Running, answers.Events.Count));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        await answers.First;
        Assert.False(call.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(2));

        Assert.Equal(3, (await call).OutputTokens);
    }

    [Fact]
    public async Task The_pace_is_that_of_the_simulator()
    {
        var profile = A.Profile(A.Coefficients, extraIterations: 1.3, apiMilliseconds: 4);
        var simulated = new Simulator(
            A.Workload([(A.Request(0, promptTokens: 4, maxOutputTokens: 40), 40)]), A.System("vllm-v1"),
            new SimulationOptions { Engines = [profile] });
        simulated.Run();
        var expected = simulated.Result(TimeSpan.Zero, []).Log.Ended[0];
        await using var engine = Engine(profile);

        var call = engine.CallAsync(Calls.Completion(Model, Exactly(40)), new Answers(), default); // 16 letters: 4 tokens
        _time.Advance(TimeSpan.FromTicks(expected) - TimeSpan.FromMilliseconds(2));
        Assert.False(call.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(4));

        Assert.Equal(CallEnd.Completed, (await call).End);
    }

    [Fact]
    public async Task A_speed_up_of_ten_makes_everything_ten_times_as_fast()
    {
        await using var engine = Engine(A.Profile(new StepCoefficients { A = 100 }), speedup: 10);

        var call = engine.CallAsync(Calls.Completion(Model, Exactly(5)), new Answers(), default);
        _time.Advance(TimeSpan.FromMilliseconds(49));
        Assert.False(call.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal(CallEnd.Completed, (await call).End);
    }

    [Fact]
    public async Task Calls_beyond_the_batch_wait_in_the_engine()
    {
        await using var engine = Engine(sequencesMax: 2);

        Task<CallOutcome>[] calls =
            [.. Enumerable.Range(0, 5).Select(i => engine.CallAsync(Calls.Completion(Model, Exactly(10), text: $"No. {i}"), new Answers(), default))];

        _time.Advance(TimeSpan.FromMilliseconds(5));
        var report = (await engine.ReportAsync(default))!.Value;
        Assert.Equal((2, 3), (report.Running, report.Waiting));
        _time.Advance(TimeSpan.FromMilliseconds(40));
        Assert.All(await Task.WhenAll(calls), outcome => Assert.Equal(CallEnd.Completed, outcome.End));
    }

    [Fact]
    public async Task Short_memory_preempts_and_still_everybody_gets_the_whole_answer()
    {
        await using var engine = Engine(A.Profile(kvTokens: 160));
        var answers = Enumerable.Range(0, 4).Select(_ => new Answers()).ToArray();

        var calls = answers.Select(a => engine.CallAsync(Calls.Completion(Model, Exactly(100)), a, default)).ToArray();
        _time.Advance(TimeSpan.FromSeconds(2));

        Assert.All(await Task.WhenAll(calls), outcome => Assert.Equal((CallEnd.Completed, 100), (outcome.End, outcome.OutputTokens)));
        Assert.Single(answers.Select(a => a.Text).Distinct());
    }

    [Fact]
    public async Task A_cancelled_call_ends_at_once_and_frees_the_engine_after_its_step()
    {
        await using var engine = Engine();
        using var cancel = new CancellationTokenSource();
        var answers = new Answers();
        var call = engine.CallAsync(Calls.Completion(Model, Exactly(1000)), answers, cancel.Token);
        _time.Advance(TimeSpan.FromMilliseconds(5));
        await answers.First;

        await cancel.CancelAsync();
        var outcome = await call;
        _time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal(CallEnd.Cancelled, outcome.End);
        Assert.Equal(0, (await engine.ReportAsync(default))!.Value.Running);
    }

    [Fact]
    public async Task What_the_sink_throws_comes_out_and_frees_the_engine()
    {
        await using var engine = Engine();
        var answers = new Answers { OnEvent = _ => throw new IOException("the caller is gone") };

        var call = engine.CallAsync(Calls.Completion(Model, Exactly(1000)), answers, default);
        _time.Advance(TimeSpan.FromMilliseconds(5));
        await Assert.ThrowsAsync<IOException>(() => call);
        _time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal(0, (await engine.ReportAsync(default))!.Value.Running);
    }

    [Fact]
    public async Task A_stopped_engine_ends_its_calls_as_broken()
    {
        var engine = Engine();
        var running = engine.CallAsync(Calls.Completion(Model, Exactly(1000)), new Answers(), default);
        _time.Advance(TimeSpan.FromMilliseconds(5));

        await engine.DisposeAsync();

        Assert.Equal(CallEnd.Broken, (await running).End);
        Assert.Equal(CallEnd.Broken, (await engine.CallAsync(Calls.Completion(Model), new Answers(), default)).End);
    }

    [Fact]
    public async Task One_call_too_many_is_told_that_the_engine_is_busy()
    {
        await using var engine = Engine(outstandingMax: 1);
        var held = engine.CallAsync(Calls.Completion(Model, Exactly(10)), new Answers(), default);

        var outcome = await engine.CallAsync(Calls.Completion(Model), new Answers(), default);

        Assert.Equal((CallEnd.Busy, 503), (outcome.End, outcome.Status));
        Assert.Equal(CallEnd.Completed, (await Finish(held)).End);
    }

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"n":2}""", "n: the demo engine gives one answer")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"max_tokens":0}""", "max_tokens must be a whole number from 1")]
    [InlineData("""{"messages":"x"}""", "messages must be a list")]
    [InlineData("""{"messages":[]}""", "messages is empty")]
    [InlineData("{}", "messages is missing")]
    [InlineData("[]", "must be a JSON object")]
    [InlineData("{", "not JSON")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"tool_choice":{"function":{"name":"f"}}}""", "no such tool, f")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"stop":["\ud800"]}""", "not valid Unicode")]
    public async Task A_body_that_cannot_be_served_is_refused_with_the_reason(string body, string reason)
    {
        await using var engine = Engine();

        var outcome = await engine.CallAsync(Calls.Raw(Model, body), new Answers(), default);

        Assert.Equal((CallEnd.Refused, 400), (outcome.End, outcome.Status));
        Assert.Contains(reason, (string?)JsonNode.Parse(outcome.Error)!["error"]!["message"]);
    }

    [Fact]
    public async Task A_prompt_larger_than_the_memory_is_refused()
    {
        await using var engine = Engine(A.Profile(kvTokens: 160));

        var outcome = await engine.CallAsync(Calls.Completion(Model, text: new string('x', 4000)), new Answers(), default);

        Assert.Equal(CallEnd.Refused, outcome.End);
        Assert.Equal("context_length_exceeded", (string?)JsonNode.Parse(outcome.Error)!["error"]!["code"]);
    }

    [Fact]
    public async Task A_stop_text_ends_the_answer_before_itself()
    {
        await using var engine = Engine();
        var answers = new Answers();

        await Finish(engine.CallAsync(Calls.Chat(Model, new { stop = new[] { "zebra", "mo en" , "a demo" } }), answers, default));

        Assert.Equal("This answer comes from ", answers.Text);
        Assert.Equal("stop", answers.FinishReason);
    }

    [Fact]
    public async Task A_forced_tool_is_called_with_arguments_of_its_schema()
    {
        await using var engine = Engine();
        var answers = new Answers();
        var parameters = new
        {
            type = "object",
            properties = new { city = new { type = "string" }, days = new { type = "integer", minimum = 3 }, unit = new { type = "string" } },
            required = new[] { "city", "days" },
        };
        var tools = new[] { new { type = "function", function = new { name = "weather", parameters } } };

        await Finish(engine.CallAsync(Calls.Chat(Model, new { tools, tool_choice = "required" }), answers, default));

        var pieces = answers.Events.Select(e => e["choices"]![0]!["delta"]!["tool_calls"]?[0]!["function"]!).OfType<JsonNode>().ToArray();
        Assert.Equal("weather", (string?)pieces[0]["name"]);
        Assert.Equal("""{"city":"demo","days":3}""", string.Concat(pieces.Select(p => (string?)p["arguments"])));
        Assert.Equal("tool_calls", answers.FinishReason);
    }

    [Fact]
    public async Task A_structured_answer_fits_the_schema_that_was_asked_for()
    {
        await using var engine = Engine();
        var answers = new Answers();
        var schema = JsonNode.Parse("""{"type":"object","properties":{"ok":{"type":"boolean"},"of":{"enum":["a","b"]}},"required":["ok","of"]}""");

        await Finish(engine.CallAsync(Calls.Chat(
            Model, new { response_format = new { type = "json_schema", json_schema = new { name = "x", schema } } }, stream: false), answers, default));

        Assert.Equal("""{"ok":true,"of":"a"}""", answers.Text);
    }

    [Fact]
    public async Task The_usage_event_comes_only_to_those_who_ask()
    {
        await using var engine = Engine();
        var (with, without) = (new Answers(), new Answers());

        await Finish(engine.CallAsync(Calls.Chat(Model, new { max_tokens = 3, stream_options = new { include_usage = true } }), with, default));
        await Finish(engine.CallAsync(Calls.Chat(Model, new { max_tokens = 3 }), without, default));

        Assert.Empty(with.Events[^1]["choices"]!.AsArray());
        Assert.Equal(3, (int)with.Events[^1]["usage"]!["completion_tokens"]!);
        Assert.DoesNotContain(without.Events, e => e["usage"] is not null);
    }

    [Fact]
    public async Task An_answer_goes_on_where_another_engine_stopped_without_a_seam()
    {
        await using var first = Engine();
        await using var second = Engine();
        var (whole, rest) = (new Answers(), new Answers());
        await Finish(first.CallAsync(Calls.Chat(Model), whole, default));
        var pieces = whole.Events.Count / 2;
        var had = string.Concat(whole.Events.Take(pieces).Select(e => (string?)e["choices"]![0]!["delta"]!["content"]));

        var outcome = await Finish(second.CallAsync(Calls.Chat(Model, resume: new(had, pieces)), rest, default));

        Assert.Equal(whole.Text, had + rest.Text);
        Assert.Equal(whole.Tokens.Sum() - pieces, outcome.OutputTokens);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Embeddings_are_unit_vectors_one_for_each_text(bool isBase64)
    {
        await using var engine = Engine();
        var answers = new Answers();

        var outcome = await Finish(engine.CallAsync(
            Calls.Embedding(Model, new[] { "one", "two" }, new { dimensions = 8, encoding_format = isBase64 ? "base64" : "float" }),
            answers, default));

        Assert.Equal((CallEnd.Completed, 0), (outcome.End, outcome.OutputTokens));
        var data = Assert.Single(answers.Events)["data"]!.AsArray();
        Assert.Equal(2, data.Count);
        foreach (var item in data)
        {
            float[] vector = isBase64
                ? [.. Convert.FromBase64String((string)item!["embedding"]!).Chunk(4).Select(b => BitConverter.ToSingle(b))]
                : item!["embedding"].Deserialize<float[]>()!;
            Assert.Equal(8, vector.Length);
            Assert.Equal(1, vector.Sum(x => x * x), 4);
        }
    }

    [Fact]
    public async Task Another_model_is_loaded_in_the_time_it_takes_and_calls_for_the_old_one_then_wait()
    {
        await using var engine = Engine(others: A.Profile() with { Model = "other" });
        var load = engine.LoadAsync("demo/other", default);

        Assert.Equal(CallEnd.Busy, (await engine.CallAsync(Calls.Chat(Model), new Answers(), default)).End);
        _time.Advance(TimeSpan.FromSeconds(22)); // 20 s to start, 16 GB at 7 GB/s
        Assert.False(load.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(await load);

        Assert.Equal([false, true], engine.Capabilities.Models.Select(m => m.IsLoaded));
        Assert.Equal(CallEnd.Busy, (await engine.CallAsync(Calls.Chat(Model), new Answers(), default)).End);
        Assert.Equal(CallEnd.Completed, (await Finish(engine.CallAsync(Calls.Chat("demo/other"), new Answers(), default))).End);

        var back = engine.LoadAsync(Model, default);
        _time.Advance(TimeSpan.FromSeconds(3)); // Its weights are in host memory.
        Assert.True(await back);
        Assert.False(await engine.LoadAsync("demo/nothing", default));
    }

    [Fact]
    public async Task A_load_waits_for_calls_that_are_leaving()
    {
        await using var engine = Engine(others: A.Profile() with { Model = "other" });
        using var cancel = new CancellationTokenSource();
        var evicted = engine.CallAsync(Calls.Completion(Model, Exactly(1000)), new Answers(), cancel.Token);
        _time.Advance(TimeSpan.FromMilliseconds(1.5));
        await cancel.CancelAsync();
        await evicted;

        var load = engine.LoadAsync("demo/other", default);
        Assert.False(load.IsCompleted);
        while (!load.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.True(await load);
    }

    [Fact]
    public async Task Text_of_many_prompts_reads_as_sentences()
    {
        await using var engine = Engine();
        var answers = new Answers();

        await Finish(engine.CallAsync(Calls.Chat(Model, new { min_tokens = 100 }), answers, default));

        Assert.StartsWith("This answer comes from a demo engine, so no model wrote it. ", answers.Text, StringComparison.Ordinal);
        Assert.EndsWith(".", answers.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("$", answers.Text);
        Assert.DoesNotContain("  ", answers.Text);
        Assert.Equal(Encoding.UTF8.GetByteCount(answers.Text), answers.Text.Length);
        Assert.Equal("stop", answers.FinishReason);
    }
}
