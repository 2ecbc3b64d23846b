using System.Net;
using System.Text.Json;
using Sluice.Upstreams;

namespace Sluice.Gateway.Tests;

public sealed class ResponseTests
{
    private const string Plain = """{"model":"m","input":"hello","instructions":"be short","max_output_tokens":9,"top_k":4}""";

    [Fact]
    public async Task A_response_is_a_chat_translated_both_ways()
    {
        var engine = new FakeUpstream();
        await using var gateway = await TestGateway.StartAsync(engine);

        var json = await (await gateway.PostAsync("/v1/responses", Plain)).JsonAsync();

        var chat = JsonDocument.Parse(Assert.Single(engine.Calls).Body).RootElement;
        Assert.Equal("system", chat.GetProperty("messages")[0].GetProperty("role").GetString());
        Assert.Equal("hello", chat.GetProperty("messages")[1].GetProperty("content").GetString());
        Assert.Equal(9, chat.GetProperty("max_tokens").GetInt32());
        Assert.Equal(4, chat.GetProperty("top_k").GetInt32());
        Assert.False(chat.TryGetProperty("input", out _));
        Assert.Equal("completed", json.GetProperty("status").GetString());
        Assert.StartsWith("resp_", json.GetProperty("id").GetString(), StringComparison.Ordinal);
        var message = json.GetProperty("output")[0];
        Assert.Equal("one two three", message.GetProperty("content")[0].GetProperty("text").GetString());
        Assert.Equal(10, json.GetProperty("usage").GetProperty("input_tokens").GetInt32());
        Assert.Equal(3, json.GetProperty("usage").GetProperty("output_tokens").GetInt32());
    }

    [Fact]
    public async Task A_stream_has_the_events_that_clients_wait_for_in_order()
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());

        var response = await gateway.PostAsync("/v1/responses", """{"model":"m","input":"hello","stream":true}""");
        var events = await EventsAsync(response);

        Assert.Equal(
            [
                "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
                "response.output_text.delta", "response.output_text.delta", "response.output_text.delta", "response.output_text.done",
                "response.content_part.done", "response.output_item.done", "response.completed",
            ],
            events.Select(e => e.GetProperty("type").GetString()));
        Assert.Equal(Enumerable.Range(0, events.Count), events.Select(e => e.GetProperty("sequence_number").GetInt32()));
        Assert.Equal("completed", events[^1].GetProperty("response").GetProperty("status").GetString());
    }

    [Fact]
    public async Task A_stream_that_has_to_wait_says_that_it_is_queued()
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
        var first = gateway.ChatAsync("", ("x-sluice-on-interruption", "fail"));
        await began.Task;

        var response = await gateway.PostAsync("/v1/responses", """{"model":"m","input":"hello","stream":true}""");
        end.SetResult();
        var events = await EventsAsync(response);

        Assert.Equal(["response.created", "response.queued", "response.in_progress"], events.Take(3).Select(e => e.GetProperty("type").GetString()));
        Assert.Equal("queued", events[1].GetProperty("response").GetProperty("status").GetString());
        Assert.Equal(HttpStatusCode.OK, (await first).StatusCode);
    }

    [Fact]
    public async Task In_the_background_it_is_answered_at_once_and_fetched_later()
    {
        var end = new TaskCompletionSource();
        var engine = new FakeUpstream
        {
            Script = async (call, sink, cancel) =>
            {
                await end.Task;
                return await FakeUpstream.WordsAsync(call, sink, cancel, "late");
            },
        };
        await using var gateway = await TestGateway.StartAsync(engine);
        var events = new CountEnds();
        gateway.Loop.Events.Add(events);

        var begun = await (await gateway.PostAsync("/v1/responses", """{"model":"m","input":"hello","background":true}""")).JsonAsync();
        var id = begun.GetProperty("id").GetString();
        Assert.Equal("queued", begun.GetProperty("status").GetString());
        end.SetResult();
        await events.Finished.Task.WaitAsync(TimeSpan.FromSeconds(10));

        JsonElement fetched;
        do fetched = await (await gateway.Client.GetAsync($"/v1/responses/{id}")).JsonAsync();
        while (fetched.GetProperty("status").GetString() == "in_progress");
        Assert.Equal("completed", fetched.GetProperty("status").GetString());
        Assert.Equal("late", fetched.GetProperty("output")[0].GetProperty("content")[0].GetProperty("text").GetString());
    }

    [Fact]
    public async Task A_background_response_can_be_cancelled_and_frees_its_engine()
    {
        var (began, freed) = (new TaskCompletionSource(), new TaskCompletionSource());
        var engine = new FakeUpstream
        {
            Script = async (_, _, cancel) =>
            {
                began.SetResult();
                try
                {
                    await FakeUpstream.ForeverAsync(cancel);
                }
                finally
                {
                    freed.SetResult();
                }

                throw new InvalidOperationException();
            },
        };
        await using var gateway = await TestGateway.StartAsync(engine);

        var begun = await (await gateway.PostAsync("/v1/responses", """{"model":"m","input":"x","background":true}""")).JsonAsync();
        await began.Task;
        var cancelled = await (await gateway.PostAsync($"/v1/responses/{begun.GetProperty("id").GetString()}/cancel", "")).JsonAsync();

        Assert.Equal("cancelled", cancelled.GetProperty("status").GetString());
        await freed.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_tool_call_becomes_an_item_and_its_output_a_message()
    {
        var engine = new FakeUpstream
        {
            Script = async (call, sink, _) =>
            {
                await FakeUpstream.ChunkAsync(
                    call, sink,
                    """{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}""",
                    1);
                return new(CallEnd.Completed, 200, 5, 1, "");
            },
        };
        await using var gateway = await TestGateway.StartAsync(engine);

        var first = await (await gateway.PostAsync(
            "/v1/responses", """{"model":"m","input":"x","tools":[{"type":"function","name":"f","parameters":{}}]}""")).JsonAsync();
        var item = first.GetProperty("output")[0];
        await gateway.PostAsync(
            "/v1/responses",
            $$"""{"model":"m","previous_response_id":"{{first.GetProperty("id").GetString()}}","input":[{"type":"function_call_output","call_id":"c1","output":"7"}]}""");

        Assert.Equal("function_call", item.GetProperty("type").GetString());
        Assert.Equal("c1", item.GetProperty("call_id").GetString());
        var calls = engine.Calls.Select(c => JsonDocument.Parse(c.Body).RootElement).ToArray();
        Assert.Equal("f", calls[0].GetProperty("tools")[0].GetProperty("function").GetProperty("name").GetString());
        var roles = calls[1].GetProperty("messages").EnumerateArray().Select(m => m.GetProperty("role").GetString());
        Assert.Equal(["user", "assistant", "tool"], roles);
    }

    [Theory]
    [InlineData("""{"model":"m"}""", "input")]
    [InlineData("""{"input":"x"}""", "model")]
    [InlineData("""{"model":"m","input":7}""", "input")]
    [InlineData("""{"model":7,"input":"x"}""", "wrong kind")]
    [InlineData("""{"model":"m","input":[{"type":"computer_call"}]}""", "computer_call")]
    [InlineData("""{"model":"m","input":"x","tools":[{"type":"web_search"}]}""", "web_search")]
    [InlineData("""{"model":"m","input":"x","background":true,"store":false}""", "store")]
    [InlineData("""{"model":"m","input":"x","previous_response_id":"resp_0"}""", "resp_0")]
    [InlineData("""{"model":"m","input":"x""", "JSON")]
    public async Task What_cannot_be_understood_is_explained(string body, string says)
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());

        var response = await gateway.PostAsync("/v1/responses", body);

        Assert.InRange((int)response.StatusCode, 400, 404);
        Assert.Contains(says, (await response.JsonAsync()).GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    private static async Task<List<JsonElement>> EventsAsync(HttpResponseMessage response)
    {
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        var text = await response.Content.ReadAsStringAsync();
        return
        [
            .. text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)
                .Select(e => JsonDocument.Parse(e[(e.IndexOf("data: ", StringComparison.Ordinal) + 6)..]).RootElement),
        ];
    }
}
