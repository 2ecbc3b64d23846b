using System.Net;
using System.Text.Json;
using Sluice.Upstreams;

namespace Sluice.Gateway.Tests;

/// <summary>Answers that leave their engine before they are complete: evicted for more urgent work, or because the engine
/// is lost.</summary>
public sealed class MovingTests
{
    private const string Stream = ""","stream":true,"stream_options":{"include_usage":true}""";

    [Fact]
    public async Task A_stream_whose_engine_breaks_off_goes_on_with_another_one_unbroken()
    {
        var engines = Pair(async (call, sink, _) =>
        {
            await FakeUpstream.RoleAsync(call, sink);
            await FakeUpstream.WordAsync(call, sink, "one");
            await FakeUpstream.WordAsync(call, sink, " two");
            return new(CallEnd.Broken, 200, -1, 2, "connection reset");
        });
        await using var gateway = await TestGateway.StartAsync(engines);

        var events = await (await gateway.ChatAsync(Stream)).EventsAsync();

        Assert.Equal("one two three", Answers.TextOf(events));
        Assert.Equal("[DONE]", events[^1]);
        var chunks = events[..^1].Select(e => JsonDocument.Parse(e).RootElement).ToList();
        Assert.All(chunks, c => Assert.Equal("first", c.GetProperty("id").GetString()));
        Assert.Single(chunks, c => c.GetProperty("choices").EnumerateArray().Any(
            choice => choice.GetProperty("delta").TryGetProperty("role", out _)));
        var usage = chunks[^1].GetProperty("usage");
        Assert.Equal(10, usage.GetProperty("prompt_tokens").GetInt32());
        Assert.Equal(3, usage.GetProperty("completion_tokens").GetInt32());
        Assert.Equal(13, usage.GetProperty("total_tokens").GetInt32());
    }

    [Fact]
    public async Task Before_its_first_byte_a_request_is_simply_tried_elsewhere()
    {
        var engines = Pair((_, _, _) => Task.FromResult(new CallOutcome(CallEnd.Broken, 0, -1, 0, "connection refused")), "one");
        await using var gateway = await TestGateway.StartAsync(engines);

        var response = await gateway.ChatAsync();

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(2, engines.Sum(e => e.Calls.Count));
        Assert.All(engines.SelectMany(e => e.Calls), c => Assert.Null(c.Resume));
    }

    [Theory]
    [InlineData("fail")]
    [InlineData("restart-if-nothing-sent")]
    public async Task A_stream_that_may_not_be_continued_ends_with_an_error_that_clients_raise(string policy)
    {
        var engines = Pair(async (call, sink, _) =>
        {
            await FakeUpstream.WordAsync(call, sink, "one");
            return new(CallEnd.Broken, 200, -1, 1, "connection reset");
        });
        await using var gateway = await TestGateway.StartAsync(engines);

        var events = await (await gateway.ChatAsync(Stream, ("x-sluice-on-interruption", policy))).EventsAsync();

        var error = JsonDocument.Parse(events[^1]).RootElement.GetProperty("error");
        Assert.Equal("engine_failed", error.GetProperty("code").GetString());
        Assert.Contains("connection reset", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(1, engines.Sum(e => e.Calls.Count));
    }

    [Theory]
    [InlineData("interactive")]
    [InlineData("default")]
    [InlineData("background")]
    public async Task A_whole_answer_whose_engine_breaks_off_goes_on_with_another_one(string className)
    {
        var engines = Pair(BreaksAfterTwoWords);
        await using var gateway = await TestGateway.StartAsync(engines);

        var response = await gateway.ChatAsync("", ("x-sluice-class", className));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(("one two three", 10, 3), await WholeAsync(response));
        var calls = engines.SelectMany(e => e.Calls).ToList();
        Assert.Equal(new AnswerSoFar("one two", 2), Assert.Single(calls, c => c.Resume is not null).Resume);
        Assert.Equal(2, calls.Count);
    }

    [Fact]
    public async Task A_whole_answer_that_is_not_continued_begins_anew_because_nothing_of_it_was_sent()
    {
        var engines = Pair(BreaksAfterTwoWords, "one", " two", " three");
        await using var gateway = await TestGateway.StartAsync(engines);

        var response = await gateway.ChatAsync("", ("x-sluice-on-interruption", "restart-if-nothing-sent"));

        Assert.Equal(("one two three", 10, 3), await WholeAsync(response));
        Assert.All(engines.SelectMany(e => e.Calls), c => Assert.Null(c.Resume));
    }

    [Fact]
    public async Task A_whole_answer_that_fails_on_interruption_fails()
    {
        var engines = Pair(BreaksAfterTwoWords);
        await using var gateway = await TestGateway.StartAsync(engines);

        var response = await gateway.ChatAsync("", ("x-sluice-on-interruption", "fail"));

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal("engine_failed", (await response.JsonAsync()).GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(1, engines.Sum(e => e.Calls.Count));
    }

    /// <summary>Of the streamed kind, one that has begun is not evicted unless it can go on.</summary>
    [Theory]
    [InlineData("continue", false, 1, true)]
    [InlineData("continue", true, 1, true)]
    [InlineData("restart-if-nothing-sent", false, 1, false)]
    [InlineData("restart-if-nothing-sent", true, 0, false)]
    [InlineData("fail", false, 0, false)]
    [InlineData("fail", true, 0, false)]
    public async Task Each_policy_says_what_an_eviction_does(string policy, bool stream, int evictions, bool goesOn)
    {
        var (began, free) = (new TaskCompletionSource(), new TaskCompletionSource());
        var engine = new FakeUpstream { SequencesMax = 1 };
        engine.Script = async (call, sink, cancel) =>
        {
            var isUrgent = JsonDocument.Parse(call.Body).RootElement.TryGetProperty("urgent", out _);
            if (isUrgent) return await FakeUpstream.WordsAsync(call, sink, cancel, "urgent");
            if (call.Resume is not null) return await FakeUpstream.WordsAsync(call, sink, cancel, " two", " three");
            if (began.Task.IsCompleted) return await FakeUpstream.WordsAsync(call, sink, cancel, "one", " two", " three");
            if (call.Stream) await FakeUpstream.WordAsync(call, sink, "one");
            began.SetResult();
            await free.Task.WaitAsync(cancel); // An eviction cancels it.
            return await FakeUpstream.WordsAsync(call, sink, cancel, call.Stream ? [" two", " three"] : ["one", " two", " three"]);
        };
        await using var gateway = await TestGateway.StartAsync(engine);
        var seen = new CountEnds();
        gateway.Loop.Events.Add(seen);

        var work = gateway.ChatAsync(
            stream ? Stream : "", ("x-sluice-class", "background"), ("x-sluice-on-interruption", policy));
        await began.Task;
        var urgent = gateway.ChatAsync(""","urgent":true""", ("x-llm-d-slo-ttft-ms", "300"), ("x-sluice-on-late", "hold"));
        if (evictions == 0)
        {
            await seen.Stayed.Task; // It was asked to leave.
            free.SetResult();
        }

        Assert.Equal("urgent", (await WholeAsync(await urgent)).Text);
        var answer = await work;
        var text = stream ? Answers.TextOf(await answer.EventsAsync()) : (await WholeAsync(answer)).Text;
        Assert.Equal("one two three", text);
        Assert.Equal(evictions, seen.Evicted);
        Assert.Equal(goesOn, engine.Calls.Any(c => c.Resume is not null));
    }

    [Fact]
    public async Task A_stream_with_a_tool_call_in_it_is_not_continued_from_text()
    {
        var engines = Pair(async (call, sink, _) =>
        {
            await FakeUpstream.ChunkAsync(
                call, sink, """{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{"}}]}}""", 1);
            return new(CallEnd.Broken, 200, -1, 1, "connection reset");
        });
        await using var gateway = await TestGateway.StartAsync(engines);

        var events = await (await gateway.ChatAsync(Stream)).EventsAsync();

        Assert.Contains("engine_failed", events[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_that_was_complete_when_its_engine_broke_off_is_complete()
    {
        var engine = new FakeUpstream
        {
            Script = async (call, sink, _) =>
            {
                await FakeUpstream.WordAsync(call, sink, "all");
                await FakeUpstream.ChunkAsync(call, sink, """{"index":0,"delta":{},"finish_reason":"stop"}""", 0);
                return new(CallEnd.Broken, 200, -1, 1, "reset before the usage");
            },
        };
        await using var gateway = await TestGateway.StartAsync(engine);

        var events = await (await gateway.ChatAsync(Stream)).EventsAsync();

        Assert.Equal("all", Answers.TextOf(events));
        Assert.Equal("[DONE]", events[^1]);
        Assert.Equal(1, JsonDocument.Parse(events[^2]).RootElement.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
    }

    [Fact]
    public async Task An_engine_that_is_lost_gives_its_requests_back()
    {
        var (lost, other) = (new FakeUpstream("a"), new FakeUpstream("b") { IsUp = false });
        var began = new TaskCompletionSource();
        lost.Script = async (call, sink, cancel) =>
        {
            await FakeUpstream.WordAsync(call, sink, "one");
            began.TrySetResult();
            await FakeUpstream.ForeverAsync(cancel);
            throw new InvalidOperationException();
        };
        other.Script = (call, sink, cancel) => FakeUpstream.WordsAsync(call, sink, cancel, " two", " three");
        await using var gateway = await TestGateway.StartAsync(lost, other);

        var response = await gateway.ChatAsync(Stream);
        await began.Task;
        lost.IsUp = false;
        other.IsUp = true;
        await gateway.Loop.LeaveAsync(lost);
        var events = await response.EventsAsync();

        Assert.Equal("one two three", Answers.TextOf(events));
        Assert.Equal("one", Assert.Single(other.Calls).Resume!.Text);
    }

    [Fact]
    public async Task Background_work_gives_way_to_interactive_work_and_goes_on_afterwards()
    {
        var began = new TaskCompletionSource();
        var engine = new FakeUpstream { SequencesMax = 1 };
        engine.Script = async (call, sink, cancel) =>
        {
            if (call.Resume is not null) return await FakeUpstream.WordsAsync(call, sink, cancel, " two", " three");
            if (began.Task.IsCompleted) return await FakeUpstream.WordsAsync(call, sink, cancel, "urgent");
            await FakeUpstream.RoleAsync(call, sink);
            await FakeUpstream.WordAsync(call, sink, "one");
            began.SetResult();
            await FakeUpstream.ForeverAsync(cancel);
            throw new InvalidOperationException();
        };
        await using var gateway = await TestGateway.StartAsync(engine);

        var background = gateway.ChatAsync("", ("x-sluice-class", "background"));
        await began.Task;
        var urgent = await gateway.ChatAsync("", ("x-sluice-class", "interactive"));

        Assert.Equal(HttpStatusCode.OK, urgent.StatusCode);
        Assert.Equal(
            "urgent", (await urgent.JsonAsync()).GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        var answer = await background;
        Assert.Equal("1", answer.Header("x-sluice-evictions"));
        var json = await answer.JsonAsync();
        Assert.Equal("one two three", json.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        Assert.Equal(10, json.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
        Assert.Equal(3, json.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
    }

    [Fact]
    public async Task A_caller_who_leaves_frees_the_engine()
    {
        var (began, freed) = (new TaskCompletionSource(), new TaskCompletionSource());
        var engine = new FakeUpstream
        {
            Script = async (call, sink, cancel) =>
            {
                await FakeUpstream.WordAsync(call, sink, "one");
                began.SetResult();
                try
                {
                    await FakeUpstream.ForeverAsync(cancel);
                    throw new InvalidOperationException();
                }
                finally
                {
                    freed.SetResult();
                }
            },
        };
        await using var gateway = await TestGateway.StartAsync(engine);

        using (var response = await gateway.ChatAsync(Stream)) await began.Task;
        await freed.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_caller_who_leaves_the_queue_never_reaches_an_engine()
    {
        var (began, end) = (new TaskCompletionSource(), new TaskCompletionSource());
        var engine = new FakeUpstream { SequencesMax = 1 };
        engine.Script = async (call, sink, cancel) =>
        {
            began.TrySetResult();
            await end.Task;
            return await FakeUpstream.WordsAsync(call, sink, cancel, "x");
        };
        await using var gateway = await TestGateway.StartAsync(engine);
        var events = new CountEnds();
        gateway.Loop.Events.Add(events);

        var first = gateway.ChatAsync();
        await began.Task;
        using (var left = new CancellationTokenSource())
        {
            var second = gateway.PostAsync("/v1/chat/completions", TestGateway.Chat(), left.Token);
            await events.Queued(2);
            await left.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        }

        await events.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(10));
        end.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await first).StatusCode);
        Assert.Single(engine.Calls);
    }

    [Fact]
    public async Task A_busy_engine_is_asked_again_later_and_nothing_is_lost()
    {
        var refusals = 3;
        var engine = new FakeUpstream();
        engine.Script = (call, sink, cancel) => Interlocked.Decrement(ref refusals) >= 0
            ? Task.FromResult(new CallOutcome(CallEnd.Busy, 503, -1, 0, "busy", TimeSpan.FromMilliseconds(5)))
            : FakeUpstream.WordsAsync(call, sink, cancel, "x");
        await using var gateway = await TestGateway.StartAsync(engine);

        Assert.Equal(HttpStatusCode.OK, (await gateway.ChatAsync()).StatusCode);
        Assert.Equal(4, engine.Calls.Count);
    }

    [Fact]
    public async Task An_idle_engine_loads_the_model_that_is_wanted()
    {
        var engine = new FakeUpstream("swapper", "m", "n") { CanSwap = true };
        await using var gateway = await TestGateway.StartAsync(engine);

        var response = await gateway.PostAsync("/v1/chat/completions", """{"model":"n","messages":[]}""");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("n", Assert.Single(engine.Loads));
        Assert.Equal("n", Assert.Single(engine.Calls).Model);
    }

    private static async Task<CallOutcome> BreaksAfterTwoWords(UpstreamCall call, IAnswerSink sink, CancellationToken cancel)
    {
        if (!call.Stream) return new(CallEnd.Broken, 0, -1, 0, "connection reset");
        await FakeUpstream.RoleAsync(call, sink);
        await FakeUpstream.WordAsync(call, sink, "one");
        await FakeUpstream.WordAsync(call, sink, " two");
        return new(CallEnd.Broken, 200, -1, 2, "connection reset");
    }

    private static async Task<(string? Text, int Prompt, int Output)> WholeAsync(HttpResponseMessage response)
    {
        var json = await response.JsonAsync();
        var usage = json.GetProperty("usage");
        return (
            json.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString(),
            usage.GetProperty("prompt_tokens").GetInt32(), usage.GetProperty("completion_tokens").GetInt32());
    }

    /// <summary>Two engines; whichever is called first follows the script, the other goes on with the words that are
    /// missing.</summary>
    private static FakeUpstream[] Pair(
        Func<UpstreamCall, IAnswerSink, CancellationToken, Task<CallOutcome>> first, params string[] rest)
    {
        var calls = 0;
        string[] words = rest.Length > 0 ? rest : [" three"];
        FakeUpstream[] engines = [new("a"), new("b")];
        foreach (var engine in engines)
            engine.Script = (call, sink, cancel) => Interlocked.Increment(ref calls) == 1
                ? first(call, sink, cancel)
                : FakeUpstream.WordsAsync(call, sink, cancel, words);
        return engines;
    }
}
