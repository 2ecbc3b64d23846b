using System.Text;

namespace Sluice.Upstreams.Tests;

public sealed class AnswerScanTests
{
    [Fact]
    public void The_text_is_found_as_it_stands()
    {
        const string Json = """{"choices":[{"index":0,"delta":{"content":"a\u00e4\n\"b\""},"finish_reason":null}]}""";

        var scan = Read(Json);

        Assert.Equal("""a\u00e4\n\"b\" """.TrimEnd(), Encoding.UTF8.GetString(scan.TextOf(Encoding.UTF8.GetBytes(Json))));
        Assert.True(scan.IsPlainText);
        Assert.Equal(1, scan.Tokens);
    }

    [Theory]
    [InlineData("""{"index":0,"delta":{"tool_calls":[{"index":0}]}}""", true)]
    [InlineData("""{"index":0,"delta":{"reasoning_content":"hm"}}""", true)]
    [InlineData("""{"index":1,"delta":{"content":"second"}}""", true)]
    [InlineData("""{"index":0,"delta":{"content":"one"}},{"index":0,"delta":{"content":"two"}}""", true)]
    [InlineData("""{"index":0,"text":"one","delta":{"content":"two"}}""", true)]
    [InlineData("""{"index":0,"delta":{"content":["no text"]}}""", true)]
    [InlineData("""{"index":0,"delta":{"role":"assistant","content":"","tool_calls":[],"refusal":null,"reasoning":""}}""", false)]
    public void What_is_not_plain_text_of_the_first_choice_is_something_else(string choices, bool isOther)
    {
        var scan = Read($$"""{"choices":[{{choices}}]}""");

        Assert.Equal(isOther, scan.HasOther);
        Assert.False(scan.IsPlainText);
    }

    [Fact]
    public void Text_that_is_not_UTF_8_is_something_else()
    {
        Assert.True(AnswerScan.TryScan([.. "{\"choices\":[{\"text\":\""u8, 0xff, .. "\"}]}"u8], out var scan));

        Assert.True(scan.HasOther);
    }

    [Theory]
    [InlineData("""{"id":"c","object":"o","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"a"},"logprobs":null,"finish_reason":null}],"usage":null}""", true)]
    [InlineData("""{"choices":[{"index":0,"text":"a"}]}""", true)]
    [InlineData("""{"choices":[{"index":0,"delta":{"content":"a"}}],"service_tier":"flex"}""", false)]
    [InlineData("""{"choices":[{"index":0,"delta":{"content":"a","reasoning_content":""}}]}""", false)]
    [InlineData("""{"choices":[{"index":0,"delta":{"content":"a"},"logprobs":{"content":[{"token":"a"}]}}]}""", false)]
    [InlineData("""{"choices":[{"index":0,"delta":{"content":"a"},"token_ids":[7]}]}""", false)]
    [InlineData("""{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}""", false)]
    [InlineData("""{"choices":[{"index":0,"delta":{"content":"a"},"stop_reason":7}]}""", false)]
    [InlineData("""{"choices":[{"index":0,"message":{"content":"a"}}]}""", false)]
    [InlineData("""{"choices":[{"index":0,"delta":{"content":"a"}}],"usage":{"prompt_tokens":1}}""", false)]
    [InlineData("""{"id":["c"],"choices":[{"index":0,"delta":{"content":"a"}}]}""", false)]
    public void A_plain_piece_has_nothing_that_would_have_to_be_kept_besides_its_text(string json, bool isPlain)
    {
        var scan = Read(json);

        Assert.Equal(isPlain, scan.IsPlainText);
        Assert.Equal((true, 1), (scan.HasText, scan.Tokens));
    }

    [Fact]
    public void Usage_is_found_and_an_event_with_nothing_else_is_known()
    {
        var scan = Read("""{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"details":{"prompt_tokens":9}}}""");

        Assert.True(scan.IsUsageOnly);
        Assert.Equal((7, 3), (scan.PromptTokens, scan.OutputTokens));
        Assert.False(Read("""{"choices":[{"index":0,"delta":{}}],"usage":null}""").HasUsage);
    }

    [Theory]
    [InlineData("[1]")]
    [InlineData("")]
    [InlineData("""{"choices":""")]
    public void What_is_no_object_is_not_read(string json) => Assert.False(AnswerScan.TryScan(Encoding.UTF8.GetBytes(json), out _));

    private static AnswerScan Read(string json)
    {
        Assert.True(AnswerScan.TryScan(Encoding.UTF8.GetBytes(json), out var scan));
        return scan;
    }
}
