using System.Text;

namespace Sluice.Upstreams.Tests;

/// <summary>What an engine may do to us, and what comes of it.</summary>
public sealed class HttpUpstreamTests : IAsyncLifetime, IAsyncDisposable
{
    private const string Piece = """{"choices":[{"index":0,"delta":{"content":"One"},"finish_reason":null}]}""";
    private const string Last = """{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""";

    private readonly ManualTime _time = new();
    private readonly FakeServer _server = new();
    private readonly HttpUpstream _upstream;

    public HttpUpstreamTests() => _upstream = Make();

    public Task InitializeAsync() => Task.CompletedTask;

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        await _upstream.DisposeAsync();
        await _server.DisposeAsync();
    }

    private HttpUpstream Make(string? key = null, string path = "") => new(
        new HttpUpstreamOptions
        {
            Name = "gpu-1",
            Address = new Uri(_server.Address, path),
            ApiKey = key,
            EventBytesMax = 4096,
            AnswerBytesMax = 64 << 10,
            HeaderKibibytesMax = 16,
        }, _time);

    private void Stream(Func<FakeReply, Task> write) => _server.Map("POST /v1/chat/completions", async (_, reply) =>
    {
        await reply.StreamAsync();
        await write(reply);
    });

    private Task<CallOutcome> Call(Answers? answers = null, bool stream = true, CancellationToken cancel = default) =>
        _upstream.CallAsync(Calls.Chat("m", stream: stream), answers ?? new Answers(), cancel);

    [Fact]
    public async Task Each_event_is_there_before_the_next_one_is_sent()
    {
        var step = new SemaphoreSlim(0);
        Stream(async reply =>
        {
            for (var i = 0; i < 3; i++)
            {
                await reply.EventAsync(Piece);
                await step.WaitAsync(); // Nothing more comes until the sink has seen it.
            }

            await reply.EventAsync(Last);
        });
        var answers = new Answers { OnEvent = _ => { step.Release(); return default; } };

        Assert.Equal((CallEnd.Completed, 3), ((await Call(answers)) is var o ? (o.End, o.OutputTokens) : default));
    }

    [Fact]
    public async Task An_event_cut_into_single_bytes_is_put_together()
    {
        Stream(async reply =>
        {
            foreach (var c in $"data: {Piece}\r\n\r\n: still here\n\nevent: message\ndata:{Last}\r\rdata: [DONE]\n\n") await reply.PieceAsync($"{c}");
        });
        var answers = new Answers();

        Assert.Equal(CallEnd.Completed, (await Call(answers)).End);
        Assert.Equal(2, answers.Events.Count);
    }

    [Fact]
    public async Task An_event_of_several_lines_is_one_event()
    {
        Stream(reply => reply.PieceAsync("data: {\"choices\":\ndata: [{\"text\":\"x\",\ndata: \"finish_reason\":\"stop\"}]}\n\n"));
        var answers = new Answers();

        Assert.Equal(CallEnd.Completed, (await Call(answers)).End);
        Assert.Equal("x", answers.Text);
    }

    [Theory]
    [InlineData(429, CallEnd.Busy)]
    [InlineData(503, CallEnd.Busy)]
    [InlineData(529, CallEnd.Busy)]
    [InlineData(400, CallEnd.Refused)]
    [InlineData(404, CallEnd.Refused)]
    [InlineData(422, CallEnd.Refused)]
    [InlineData(401, CallEnd.Broken)]
    [InlineData(500, CallEnd.Failed)]
    [InlineData(501, CallEnd.Failed)]
    [InlineData(302, CallEnd.Broken)]
    [InlineData(204, CallEnd.Broken)]
    public async Task A_status_says_who_is_to_blame(int status, CallEnd end)
    {
        _server.Map("POST /v1/chat/completions", (_, reply) => status == 204
            ? reply.RawAsync("HTTP/1.1 204 X\r\n\r\n")
            : reply.JsonAsync(status, """{"error":{"message":"no"}}""", "Location: http://127.0.0.1:1/\r\n"));

        var outcome = await Call();

        Assert.Equal((end, status), (outcome.End, outcome.Status));
        if (status != 204) Assert.Contains("\"no\"", outcome.Error);
    }

    [Theory]
    [InlineData("7", 7)]
    [InlineData("Thu, 01 Jan 2026 00:00:09 GMT", 9)]
    [InlineData("Thu, 01 Jan 2015 00:00:09 GMT", 0)]
    public async Task A_busy_engine_may_say_when_to_come_back(string header, int seconds)
    {
        _server.Map("POST /v1/chat/completions", (_, reply) => reply.JsonAsync(429, "{}", $"Retry-After: {header}\r\n"));

        Assert.Equal(TimeSpan.FromSeconds(seconds), (await Call()).RetryAfter);
    }

    [Theory]
    [InlineData("this is not JSON")]
    [InlineData("""{"choices":[}""")]
    [InlineData("[1,2,3]")]
    [InlineData("""{"choices":[]} and more""")]
    [InlineData("""{"choices":[{"delta":{"content":"\ud800"},"finish_\ud800":1}]}""")]
    public async Task An_event_that_nobody_understands_ends_the_call_as_broken(string data)
    {
        Stream(async reply =>
        {
            await reply.EventAsync(Piece);
            await reply.EventAsync(data);
        });

        var outcome = await Call();

        Assert.Equal((CallEnd.Broken, 1), (outcome.End, outcome.OutputTokens));
        Assert.StartsWith("gpu-1: ", outcome.Error);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_page_instead_of_an_answer_is_broken(bool stream)
    {
        _server.Map("POST /v1/chat/completions", (_, reply) => reply.WholeAsync(200, "text/html", "<html>Welcome to the proxy</html>"));

        Assert.Equal(CallEnd.Broken, (await Call(stream: stream)).End);
    }

    [Fact]
    public async Task A_line_without_end_is_cut_off()
    {
        Stream(async reply =>
        {
            await reply.PieceAsync("data: ");
            while (true) await reply.PieceAsync(new string('x', 1000));
        });

        var outcome = await Call();

        Assert.Equal(CallEnd.Broken, outcome.End);
        Assert.Contains("more than 4,096 bytes", outcome.Error);
    }

    [Fact]
    public async Task An_event_of_endless_lines_is_cut_off()
    {
        Stream(async reply =>
        {
            while (true) await reply.PieceAsync("data: " + new string('x', 100) + "\n");
        });

        Assert.Contains("more than 4,096 bytes", (await Call()).Error);
    }

    [Fact]
    public async Task A_stream_without_end_is_cut_off()
    {
        Stream(async reply =>
        {
            while (true) await reply.EventAsync(Piece);
        });

        Assert.Contains("a stream of more than", (await Call()).Error);
    }

    [Fact]
    public async Task Comments_without_end_are_cut_off_and_cost_no_memory()
    {
        Stream(async reply =>
        {
            while (true) await reply.PieceAsync(": ping\n\n");
        });

        Assert.Contains("a stream of more than", (await Call()).Error);
    }

    [Fact]
    public async Task A_whole_answer_that_is_too_large_is_cut_off()
    {
        _server.Map("POST /v1/chat/completions", async (_, reply) =>
        {
            await reply.StreamAsync();
            while (true) await reply.PieceAsync(new string('x', 4000));
        });

        Assert.Contains("more than 65,536 bytes", (await Call(stream: false)).Error);
    }

    [Fact]
    public async Task An_answer_that_announces_too_much_is_not_read()
    {
        _server.Map("POST /v1/chat/completions", (_, reply) =>
        {
            reply.HangUp();
            return reply.RawAsync("HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: 9000000000\r\n\r\n{");
        });

        Assert.Contains("an answer of 9,000,000,000 bytes", (await Call(stream: false)).Error);
    }

    [Fact]
    public async Task Headers_without_end_are_cut_off()
    {
        _server.Map("POST /v1/chat/completions", async (_, reply) =>
        {
            await reply.RawAsync("HTTP/1.1 200 OK\r\n");
            while (true) await reply.RawAsync($"X-Filler: {new string('x', 1000)}\r\n");
        });

        Assert.Equal(CallEnd.Broken, (await Call()).End);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_compressed_answer_is_not_unpacked(bool stream)
    {
        _server.Map("POST /v1/chat/completions", (_, reply) => reply.JsonAsync(200, "bomb", "Content-Encoding: gzip\r\n"));

        Assert.Contains("encoded as gzip", (await Call(stream: stream)).Error);
    }

    [Fact]
    public async Task An_error_inside_a_stream_ends_it_as_broken_once_tokens_came()
    {
        Stream(async reply =>
        {
            await reply.EventAsync(Piece);
            await reply.EventAsync("""{"error":{"message":"CUDA error","type":"InternalServerError","code":500}}""");
            await reply.PieceAsync("data: [DONE]\n\n");
        });
        var answers = new Answers();

        var outcome = await Call(answers);

        Assert.Equal((CallEnd.Broken, 1), (outcome.End, outcome.OutputTokens));
        Assert.Contains("CUDA error", outcome.Error);
        Assert.Single(answers.Events);
    }

    [Fact]
    public async Task A_failure_that_is_not_said_in_json_is_a_proxys_and_the_engine_is_gone()
    {
        _server.Map("POST /v1/chat/completions", (_, reply) =>
            reply.RawAsync("HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"));

        Assert.Equal((CallEnd.Broken, 502), (await Call()) is var o ? (o.End, o.Status) : default);
    }

    [Theory]
    [InlineData(400, CallEnd.Refused)]
    [InlineData(500, CallEnd.Failed)]
    [InlineData(503, CallEnd.Busy)]
    public async Task An_error_instead_of_the_first_token_may_be_the_requests_own(int code, CallEnd end)
    {
        Stream(reply => reply.EventAsync($$$"""{"error":{"message":"no","type":"X","code":{{{code}}}}}"""));

        Assert.Equal((end, code), ((await Call()) is var o ? (o.End, o.Status) : default));
    }

    [Fact]
    public async Task A_request_that_the_engine_dropped_is_broken_and_its_last_event_is_not_handed_on()
    {
        Stream(async reply =>
        {
            await reply.EventAsync(Piece);
            await reply.EventAsync("""{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"abort"}]}""");
        });
        var answers = new Answers();

        Assert.Equal(CallEnd.Broken, (await Call(answers)).End);
        Assert.Single(answers.Events);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stream_that_breaks_off_is_broken(bool politely)
    {
        Stream(async reply =>
        {
            await reply.EventAsync(Piece);
            if (!politely) reply.HangUp();
        });

        Assert.Equal((CallEnd.Broken, 1), ((await Call()) is var o ? (o.End, o.OutputTokens) : default));
    }

    [Fact]
    public async Task A_finish_reason_will_do_for_an_end()
    {
        Stream(async reply =>
        {
            await reply.EventAsync(Piece);
            await reply.EventAsync(Last);
        });

        Assert.Equal(CallEnd.Completed, (await Call()).End);
    }

    [Fact]
    public async Task Nobody_there_is_broken_and_found_by_no_probe()
    {
        await _server.DisposeAsync();

        Assert.Equal((CallEnd.Broken, 0), ((await Call()) is var o ? (o.End, o.Status) : default));
        Assert.False(await _upstream.ProbeAsync(default));
        Assert.Contains("nobody answers", _upstream.Problem);
        Assert.Null(await _upstream.ReportAsync(default));
        Assert.False(await _upstream.LoadAsync("m", default));
    }

    [Theory]
    [InlineData(401, "the API key is missing or wrong")]
    [InlineData(503, "it is starting or has trouble")]
    [InlineData(404, "no engine that is known")]
    public async Task A_probe_that_fails_says_why(int status, string problem)
    {
        _server.Map("GET /v1/models", "{}", status);

        Assert.False(await _upstream.ProbeAsync(default));
        Assert.Contains(problem, _upstream.Problem);

        _server.Map("GET /v1/models", """{"data":[{"id":"m"}]}""");
        Assert.True(await _upstream.ProbeAsync(default));
        Assert.Null(_upstream.Problem);
    }

    [Fact]
    public async Task An_engine_that_never_answers_is_given_up_after_the_time_for_a_first_token()
    {
        var asked = new TaskCompletionSource();
        _server.Map("POST /v1/chat/completions", (_, reply) =>
        {
            asked.SetResult();
            return reply.GoneAsync();
        });
        var call = Call();
        await asked.Task;

        _time.Advance(TimeSpan.FromMinutes(9.9));
        Assert.False(call.IsCompleted);
        _time.Advance(TimeSpan.FromMinutes(0.2));

        var outcome = await call;
        Assert.Equal(CallEnd.Broken, outcome.End);
        Assert.Contains("no token came for 600 s", outcome.Error);
    }

    [Fact]
    public async Task An_engine_that_keeps_the_socket_warm_but_makes_no_tokens_is_given_up()
    {
        var gone = new TaskCompletionSource();
        Stream(async reply =>
        {
            await reply.EventAsync(Piece);
            await reply.PieceAsync(": ping\n\n");
            await reply.EventAsync("""{"choices":[{"index":0,"delta":{"content":""},"finish_reason":null}]}""");
            await reply.GoneAsync();
            gone.SetResult();
        });
        var empty = new TaskCompletionSource();
        var answers = new Answers { OnEvent = json => { if (json.Span.IndexOf("\"\""u8) > 0) empty.SetResult(); return default; } };
        var call = Call(answers);
        await empty.Task;

        // The event without a token has been handed on; what follows it is silence.
        while (!call.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(20));
            await Task.Yield();
        }

        Assert.Contains("no token came for 60 s", (await call).Error);
        await gone.Task; // It was hung up on.
    }

    [Fact]
    public async Task A_slow_caller_is_not_taken_for_a_silent_engine()
    {
        Stream(async reply =>
        {
            await reply.EventAsync(Piece);
            await reply.EventAsync(Last);
        });
        var answers = new Answers { OnEvent = _ => { _time.Advance(TimeSpan.FromHours(1)); return default; } };

        Assert.Equal(CallEnd.Completed, (await Call(answers)).End);
    }

    [Fact]
    public async Task A_cancelled_call_hangs_up_at_once()
    {
        var gone = new TaskCompletionSource();
        using var cancel = new CancellationTokenSource();
        Stream(async reply =>
        {
            await reply.EventAsync(Piece);
            await reply.GoneAsync();
            gone.SetResult();
        });
        var answers = new Answers();
        var call = Call(answers, cancel: cancel.Token);
        await answers.First;

        await cancel.CancelAsync();

        Assert.Equal((CallEnd.Cancelled, 1), ((await call) is var o ? (o.End, o.OutputTokens) : default));
        await gone.Task;
    }

    [Fact]
    public async Task What_the_sink_throws_comes_out_as_it_is()
    {
        Stream(reply => reply.EventAsync(Piece));
        var answers = new Answers { OnEvent = _ => throw new IOException("the caller is gone") };

        Assert.Equal("the caller is gone", (await Assert.ThrowsAsync<IOException>(() => Call(answers))).Message);
    }

    [Fact]
    public async Task Key_and_request_id_go_out_as_headers_and_a_path_in_the_address_counts_once()
    {
        _server.Map("POST /v1/chat/completions", FakeEngines.Vllm.Refusal, 400);
        await using var upstream = Make("secret", "/v1/");

        await upstream.CallAsync(Calls.Chat("m"), new Answers(), default);

        var sent = Assert.Single(_server.Asked("/v1/chat/completions"));
        Assert.Equal(("Bearer secret", "req-1"), (sent.Headers["Authorization"], sent.Headers["X-Request-Id"]));
    }

    [Fact]
    public async Task Everything_in_the_body_but_what_must_change_goes_out_byte_for_byte()
    {
        _server.Map("POST /v1/chat/completions", "{}", 400);
        const string Body = """{ "messages":[{"role":"user","content":"\u00e9  é"}], "model" : "ours","stream":false, "unknown":{"a" : 1e2},"stream":false }""";

        await _upstream.CallAsync(Calls.Raw("theirs", Body), new Answers(), default);

        Assert.Equal(
            """{"stream_options":{"include_usage":true}, "messages":[{"role":"user","content":"\u00e9  é"}], "model" : "theirs","stream":true, "unknown":{"a" : 1e2},"stream":true }""",
            Assert.Single(_server.Asked("/v1/chat/completions")).Body);
    }

    [Fact]
    public async Task Blanks_that_the_caller_has_are_taken_out_of_the_rest()
    {
        await using var upstream = new HttpUpstream(
            new() { Name = "x", Address = _server.Address, Kind = UpstreamKind.LlamaCpp }, TimeProvider.System);
        FakeEngines.MapModel(_server, FakeEngines.LlamaCpp);
        var answers = new Answers();

        await upstream.CallAsync(Calls.Chat("m", resume: new("One two ", 2)), answers, default);

        Assert.Equal("three four five.", answers.Text);
        Assert.Equal("One two", (string?)_server.Requests.Last().Json["messages"]!.AsArray()[^1]!["content"]);
    }

    [Fact]
    public async Task Tokens_listed_in_an_event_count_singly()
    {
        Stream(async reply =>
        {
            await reply.EventAsync("""{"choices":[{"index":0,"delta":{"content":"ab"},"logprobs":{"content":[{"token":"a"},{"token":"b"}]}}]}""");
            await reply.EventAsync("""{"choices":[{"index":0,"delta":{"reasoning_content":"hm"}},{"index":1,"delta":{"tool_calls":[{"index":0}]}}]}""");
            await reply.EventAsync("""{"choices":[{"index":0,"delta":{"content":"c"},"token_ids":[1,2,3],"finish_reason":"stop"}]}""");
        });
        var answers = new Answers();

        Assert.Equal(7, (await Call(answers)).OutputTokens);
        Assert.Equal([2, 2, 3], answers.Tokens);
    }
}
