using System.Net;
using System.Text.Json;
using Sluice.Upstreams;

namespace Sluice.Gateway.Tests;

public sealed class GenerationTests
{
    /// <summary>Where nothing is kept for an interruption, or a stream may not come to the same.</summary>
    [Theory]
    [InlineData("", "restart-if-nothing-sent")]
    [InlineData("", "fail")]
    [InlineData(""","tools":[{"type":"function","function":{"name":"f"}}]""", "continue")]
    [InlineData(""","modalities":["text","audio"]""", "continue")]
    [InlineData(""","n":2""", "continue")]
    public async Task A_chat_comes_back_as_the_engine_wrote_it(string more, string onInterruption)
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());

        var response = await gateway.ChatAsync(more, ("x-sluice-on-interruption", onInterruption));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var json = await response.JsonAsync();
        Assert.Equal("one two three", json.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        Assert.True(json.GetProperty("extra").GetProperty("kept").GetBoolean());
    }

    [Fact]
    public async Task An_answer_says_what_the_queue_knows_of_it()
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream("engine-1"));

        var response = await gateway.ChatAsync("", ("X-Request-Id", "mine-7"));

        Assert.Equal("mine-7", response.Header("x-request-id"));
        Assert.Equal("engine-1", response.Header("x-sluice-engine"));
        Assert.Equal("default", response.Header("x-sluice-class"));
        Assert.Equal("0", response.Header("x-sluice-evictions"));
        Assert.NotEmpty(response.Header("x-sluice-queue-wait-ms"));
    }

    [Fact]
    public async Task The_engine_gets_the_callers_body_with_unknown_fields_in_it()
    {
        var engine = new FakeUpstream();
        await using var gateway = await TestGateway.StartAsync(engine);

        await gateway.ChatAsync(""","top_k":7,"vendor":{"x":[1,2]}""");

        var body = JsonDocument.Parse(Assert.Single(engine.Calls).Body).RootElement;
        Assert.Equal(7, body.GetProperty("top_k").GetInt32());
        Assert.Equal(2, body.GetProperty("vendor").GetProperty("x")[1].GetInt32());
    }

    [Fact]
    public async Task A_stream_passes_event_by_event_and_ends_with_DONE()
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());

        var response = await gateway.ChatAsync(""","stream":true""");

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        var events = await response.EventsAsync();
        Assert.Equal("[DONE]", events[^1]);
        Assert.Equal("one two three", Answers.TextOf(events));
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData(""","stream_options":{"include_usage":true}""", 1)]
    public async Task Usage_is_in_a_stream_only_if_the_caller_asked_for_it(string more, int expected)
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());

        var events = await (await gateway.ChatAsync(""","stream":true""" + more)).EventsAsync();

        Assert.Equal(expected, events.Count(e => e.Contains("\"usage\"", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_token_is_not_held_back()
    {
        var go = new TaskCompletionSource();
        var engine = new FakeUpstream
        {
            Script = async (call, sink, cancel) =>
            {
                await FakeUpstream.WordAsync(call, sink, "early");
                await go.Task;
                await FakeUpstream.FinishAsync(call, sink, 10, 1);
                return new(CallEnd.Completed, 200, 10, 1, "");
            },
        };
        await using var gateway = await TestGateway.StartAsync(engine);

        var response = await gateway.ChatAsync(""","stream":true""");
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var line = await reader.ReadLineAsync();

        Assert.Contains("early", line, StringComparison.Ordinal);
        go.SetResult();
        Assert.Contains("[DONE]", await reader.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Embeddings_pass()
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());

        var response = await gateway.PostAsync("/v1/embeddings", """{"model":"m","input":"text"}""");

        Assert.Equal(0.5, (await response.JsonAsync()).GetProperty("data")[0].GetProperty("embedding")[0].GetDouble());
    }

    [Fact]
    public async Task A_background_answer_that_the_engine_streams_comes_back_in_one_piece()
    {
        var engine = new FakeUpstream();
        await using var gateway = await TestGateway.StartAsync(engine);

        var response = await gateway.ChatAsync("", ("x-sluice-class", "background"));

        Assert.True(Assert.Single(engine.Calls).Stream);
        var json = await response.JsonAsync();
        Assert.Equal("chat.completion", json.GetProperty("object").GetString());
        var choice = json.GetProperty("choices")[0];
        Assert.Equal("one two three", choice.GetProperty("message").GetProperty("content").GetString());
        Assert.Equal("stop", choice.GetProperty("finish_reason").GetString());
        Assert.Equal(13, json.GetProperty("usage").GetProperty("total_tokens").GetInt32());
    }

    [Fact]
    public async Task An_engines_refusal_comes_back_with_its_status_and_all_four_keys()
    {
        var engine = new FakeUpstream
        {
            Script = (_, _, _) => Task.FromResult(new CallOutcome(
                CallEnd.Refused, 422, -1, 0, """{"error":{"code":422,"message":"too hot","type":"bad_temperature"}}""")),
        };
        await using var gateway = await TestGateway.StartAsync(engine);

        var response = await gateway.ChatAsync();

        Assert.Equal(422, (int)response.StatusCode);
        var error = (await response.JsonAsync()).GetProperty("error");
        Assert.Equal("too hot", error.GetProperty("message").GetString());
        Assert.Equal("bad_temperature", error.GetProperty("type").GetString());
        Assert.Equal("422", error.GetProperty("code").GetString());
        Assert.Equal(JsonValueKind.Null, error.GetProperty("param").ValueKind);
    }
}
