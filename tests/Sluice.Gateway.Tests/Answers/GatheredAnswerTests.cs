using System.Text;
using System.Text.Json;

namespace Sluice.Gateway.Tests;

public sealed class GatheredAnswerTests
{
    private static readonly LiveOutcome s_outcome = new(LiveEnd.Completed, default, 5, 2);

    [Fact]
    public async Task Tool_calls_are_joined_from_their_pieces()
    {
        var answer = await GatherAsync(
            """{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"t1","type":"function","function":{"name":"f","arguments":""}}]}}]}""",
            """{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]}}]}""",
            """{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]},"finish_reason":null}]}""",
            """{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}""");

        var choice = answer.GetProperty("choices")[0];
        var call = choice.GetProperty("message").GetProperty("tool_calls")[0];
        Assert.Equal("t1", call.GetProperty("id").GetString());
        Assert.Equal("f", call.GetProperty("function").GetProperty("name").GetString());
        Assert.Equal("""{"a":1}""", call.GetProperty("function").GetProperty("arguments").GetString());
        Assert.False(call.TryGetProperty("index", out _));
        Assert.Equal("tool_calls", choice.GetProperty("finish_reason").GetString());
        Assert.Equal(JsonValueKind.Null, choice.GetProperty("message").GetProperty("content").ValueKind);
    }

    [Fact]
    public async Task Log_probabilities_are_appended_and_foreign_fields_kept()
    {
        var answer = await GatherAsync(
            """{"system_fingerprint":"fp","choices":[{"index":0,"delta":{"content":"a"},"logprobs":{"content":[{"token":"a"}]}}]}""",
            """{"choices":[{"index":0,"delta":{"content":"b"},"logprobs":{"content":[{"token":"b"}]},"stop_reason":7}]}""");

        Assert.Equal("fp", answer.GetProperty("system_fingerprint").GetString());
        var choice = answer.GetProperty("choices")[0];
        Assert.Equal(2, choice.GetProperty("logprobs").GetProperty("content").GetArrayLength());
        Assert.Equal(7, choice.GetProperty("stop_reason").GetInt32());
        Assert.Equal("ab", choice.GetProperty("message").GetProperty("content").GetString());
    }

    [Fact]
    public async Task Several_choices_stay_apart()
    {
        var answer = await GatherAsync(
            """{"object":"text_completion","choices":[{"index":1,"text":"b"}]}""", """{"choices":[{"index":0,"text":"a"}]}""",
            """{"choices":[{"index":1,"text":"c"}]}""");

        Assert.Equal("text_completion", answer.GetProperty("object").GetString());
        Assert.Equal("a", answer.GetProperty("choices")[0].GetProperty("text").GetString());
        Assert.Equal("bc", answer.GetProperty("choices")[1].GetProperty("text").GetString());
    }

    /// <summary>What is read the short way and what is not must come to the same, wherever in an answer it stands.</summary>
    [Theory]
    [InlineData("""{"choices":[{"index":0,"delta":{"content":"b"},"logprobs":null,"finish_reason":null}],"usage":null}""", "ab", 1)]
    [InlineData("""{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"\u00e4\n","reasoning_content":null}}]}""", "aä\n", 1)]
    [InlineData("""{"choices":[{"index":0,"delta":{"content":""}}]}""", "a", 1)]
    [InlineData("""{"choices":[{"index":0,"delta":{"content":"b"}},{"index":1,"delta":{"content":"c"}}]}""", "ab", 2)]
    [InlineData("""{"choices":[{"index":1,"delta":{"content":"c"}}]}""", "a", 2)]
    [InlineData("""{"choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"stop"}]}""", "ab", 1)]
    [InlineData("""{"choices":[]}""", "a", 1)]
    public async Task A_plain_piece_is_appended_and_nothing_of_another_is_lost(string piece, string text, int choices)
    {
        var answer = await GatherAsync("""{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"a"}}]}""", piece);

        Assert.Equal(choices, answer.GetProperty("choices").GetArrayLength());
        var first = answer.GetProperty("choices")[0];
        Assert.Equal(text, first.GetProperty("message").GetProperty("content").GetString());
        Assert.Equal(piece.Contains("stop"), first.TryGetProperty("finish_reason", out var reason) && reason.GetString() == "stop");
        if (choices == 2) Assert.Equal("c", answer.GetProperty("choices")[1].GetProperty("message").GetProperty("content").GetString());
    }

    [Fact]
    public async Task A_piece_with_reasoning_beside_its_text_keeps_both()
    {
        var answer = await GatherAsync(
            """{"choices":[{"index":0,"delta":{"content":"a"}}]}""",
            """{"choices":[{"index":0,"delta":{"content":"b","reasoning_content":"why"}}],"service_tier":"flex"}""");

        var message = answer.GetProperty("choices")[0].GetProperty("message");
        Assert.Equal(("ab", "why"), (message.GetProperty("content").GetString(), message.GetProperty("reasoning_content").GetString()));
        Assert.Equal("flex", answer.GetProperty("service_tier").GetString());
    }

    [Fact]
    public async Task Usage_is_the_engines_or_what_was_counted()
    {
        var counted = await GatherAsync("""{"choices":[{"index":0,"delta":{"content":"a"}}]}""");
        var told = await GatherAsync("""{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2,"x":3}}""");

        Assert.Equal(7, counted.GetProperty("usage").GetProperty("total_tokens").GetInt32());
        Assert.Equal(3, told.GetProperty("usage").GetProperty("x").GetInt32());
    }

    private static async Task<JsonElement> GatherAsync(params string[] events)
    {
        var answer = new GatheredAnswer();
        foreach (var e in events) await answer.OnDataAsync(Encoding.UTF8.GetBytes(e), 0, default);
        return JsonDocument.Parse(answer.ToJson(s_outcome)).RootElement;
    }
}
