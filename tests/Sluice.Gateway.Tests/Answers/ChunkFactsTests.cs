using System.Text;
using System.Text.Json;

namespace Sluice.Gateway.Tests;

public sealed class ChunkFactsTests
{
    [Fact]
    public void Text_is_collected_with_its_escapes_resolved()
    {
        var text = new StringBuilder();

        var facts = Read("""{"choices":[{"index":0,"delta":{"content":"a\u00e4\n\"b\""},"finish_reason":null}]}""", text);

        Assert.Equal("aä\n\"b\"", text.ToString());
        Assert.True(facts.HasText);
        Assert.False(facts.HasOther);
        Assert.False(facts.IsFinish);
    }

    [Fact]
    public void A_long_piece_of_text_is_collected_whole()
    {
        var (text, piece) = (new StringBuilder(), new string('x', 1000));

        Read($$"""{"choices":[{"text":"{{piece}}","index":0}]}""", text);

        Assert.Equal(piece, text.ToString());
    }

    [Theory]
    [InlineData("""{"index":0,"delta":{"tool_calls":[{"index":0}]}}""", true)]
    [InlineData("""{"index":0,"delta":{"reasoning_content":"hm"}}""", true)]
    [InlineData("""{"index":1,"delta":{"content":"second"}}""", true)]
    [InlineData("""{"index":0,"delta":{"role":"assistant","content":"","tool_calls":[],"refusal":null,"reasoning":""}}""", false)]
    public void What_is_not_plain_text_of_the_first_choice_is_something_else(string choice, bool isOther)
    {
        Assert.Equal(isOther, Read($$"""{"choices":[{{choice}}]}""").HasOther);
    }

    [Fact]
    public void Usage_is_found_and_an_event_with_nothing_else_is_known()
    {
        var facts = Read("""{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"details":{"prompt_tokens":9}}}""");

        Assert.True(facts.IsUsageOnly);
        Assert.Equal((7, 3), (facts.PromptTokens, facts.OutputTokens));
        Assert.False(Read("""{"choices":[{"index":0,"delta":{}}],"usage":null}""").HasUsage);
    }

    [Theory]
    [InlineData("[1]")]
    [InlineData("")]
    [InlineData("""{"choices":""")]
    public void What_is_no_object_is_an_error(string json) => Assert.ThrowsAny<JsonException>(() => Read(json));

    private static ChunkFacts Read(string json, StringBuilder? text = null) => ChunkFacts.Read(Encoding.UTF8.GetBytes(json), text);
}
