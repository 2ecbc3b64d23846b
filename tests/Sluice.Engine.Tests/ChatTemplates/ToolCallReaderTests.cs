using System.Text.Json;

namespace Sluice.Engine.Tests;

public sealed class ToolCallReaderTests
{
    private const string Weather = """{"name": "weather", "arguments": {"city": "Zürich", "days": [1, 2]}}""";
    private const string Now = """{"name":"now","arguments":{}}""";
    private const string WeatherArguments = """{"city": "Zürich", "days": [1, 2]}""";

    public static TheoryData<ToolCallStyle, string, string, string> Cases => new()
    {
        // Hermes and Qwen: text before, several calls, blanks between them, an end without the closing tag.
        { ToolCallStyle.Tagged, "Just text, a < b.", "Just text, a < b.", "" },
        { ToolCallStyle.Tagged, $"<tool_call>\n{Weather}\n</tool_call>", "", $"weather{WeatherArguments}" },
        { ToolCallStyle.Tagged, $"Let me see. \n<tool_call>{Weather}</tool_call>", "Let me see.", $"weather{WeatherArguments}" },
        {
            ToolCallStyle.Tagged, $"<tool_call>{Weather}</tool_call> <tool_call>{Now}</tool_call> ", "",
            "weather" + WeatherArguments + "|now{}"
        },
        { ToolCallStyle.Tagged, """<tool_call>{"name":"now"}""", "", "now{}" },
        { ToolCallStyle.Tagged, """<tool_call>{"name":"now","arguments":"{\"a\":1}"}</tool_call>""", "", """now{"a":1}""" },
        { ToolCallStyle.Tagged, "<tool_call>{broken</tool_call> so", "<tool_call>{broken</tool_call> so", "" },
        { ToolCallStyle.Tagged, """<tool_call>{"name":"other"}</tool_call>""", """<tool_call>{"name":"other"}</tool_call>""", "" },
        { ToolCallStyle.Tagged, "a <tool_cal", "a <tool_cal", "" },

        // Llama 3 and Mistral: the whole answer is JSON.
        { ToolCallStyle.Bare, """{"name": "weather", "parameters": {"city": "Bern"}}""", "", """weather{"city": "Bern"}""" },
        { ToolCallStyle.Bare, $"[{Weather}, {Now}]", "", "weather" + WeatherArguments + "|now{}" },
        { ToolCallStyle.Bare, """{"name":"now","parameters":{}}; {"name":"now","parameters":{}}""", "", "now{}|now{}" },
        { ToolCallStyle.Bare, """{"name": "Ada", "parameters": {}}""", """{"name": "Ada", "parameters": {}}""", "" },
        { ToolCallStyle.Bare, """{"name": "now", "parameters": {""", """{"name": "now", "parameters": {""", "" },
        { ToolCallStyle.Bare, """{"name": "now", "parameters": {}} and so on""", """{"name": "now", "parameters": {}} and so on""", "" },
        { ToolCallStyle.Bare, """{"name":"\ud800","parameters":{}}""", """{"name":"\ud800","parameters":{}}""", "" },
        { ToolCallStyle.Bare, "The answer is {42}.", "The answer is {42}.", "" },
        { ToolCallStyle.Bare, "[]", "[]", "" },
        { ToolCallStyle.None, $"<tool_call>{Weather}</tool_call>", $"<tool_call>{Weather}</tool_call>", "" },
    };

    [Theory, MemberData(nameof(Cases))]
    public void Calls_are_taken_out_of_an_answer_however_it_is_cut(ToolCallStyle style, string answer, string text, string calls)
    {
        foreach (var size in (int[])[1, 2, 3, 5, 8, answer.Length])
        {
            var reader = new ToolCallReader(Tools(style));
            var found = new List<FunctionCall>();
            var settled = string.Concat(answer.Chunk(size).Select(piece => reader.Push(new(piece), found)));
            settled += reader.Finish(found);

            Assert.Equal(text, settled);
            Assert.Equal(calls, string.Join('|', found.Select(c => c.Name + c.Arguments)));
        }
    }

    [Fact]
    public void Text_is_held_back_no_longer_than_it_may_be_a_call()
    {
        var reader = new ToolCallReader(Tools(ToolCallStyle.Tagged));
        var calls = new List<FunctionCall>();

        Assert.Equal("a <b>", reader.Push("a <b>", calls));
        Assert.Equal("", reader.Push(" <tool", calls));
        Assert.Equal(" <tool_box>", reader.Push("_box>", calls));
        Assert.Equal("", reader.Push("<tool_call>{\"name\":\"now\"}", calls));
        Assert.Empty(calls);
        Assert.Equal("", reader.Push("</tool_call>", calls));
        Assert.Single(calls);

        // Somebody who opens a call and goes on for ever is heard again.
        var endless = new string('x', 100_000);
        Assert.Equal("<tool_call>" + endless, reader.Push("<tool_call>" + endless, calls));
    }

    /// <summary>An answer in the smallest pieces: the work for each character is bounded, and does not grow with what is held.</summary>
    [Theory]
    [InlineData(ToolCallStyle.Bare, "{\"a\": \"", "x", 60_000)]
    [InlineData(ToolCallStyle.Bare, "", " ", 60_000)]
    [InlineData(ToolCallStyle.Bare, "[", "{},", 60_000)]
    [InlineData(ToolCallStyle.Tagged, "<tool_call>", "x", 60_000)]
    [InlineData(ToolCallStyle.Tagged, "<tool_call>", "</tool_cal", 60_000)]
    [InlineData(ToolCallStyle.Tagged, "", " ", 60_000)]
    [InlineData(ToolCallStyle.Tagged, "", " <tool_cal", 200_000)]
    [InlineData(ToolCallStyle.Tagged, "", "<tool_call>{}</tool_call>", 200_000)]
    public void The_work_grows_as_the_answer_does(ToolCallStyle style, string begin, string pattern, int length)
    {
        var reader = new ToolCallReader(Tools(style));
        var calls = new List<FunctionCall>();
        var answer = begin + string.Concat(Enumerable.Repeat(pattern, length / pattern.Length));
        var text = new System.Text.StringBuilder();
        foreach (var c in answer) text.Append(reader.Push(c.ToString(), calls));
        text.Append(reader.Finish(calls));

        Assert.Equal(answer, text.ToString());
        Assert.InRange(reader.Work, answer.Length, 300L * answer.Length);
    }

    [Theory]
    [InlineData("{{ '<tool_call>' }}", ToolCallStyle.Tagged)]
    [InlineData("{{ '[TOOL_CALLS]' }}", ToolCallStyle.Bare)]
    [InlineData("{{ '<|python_tag|>' }}", ToolCallStyle.Bare)]
    [InlineData("{{ messages }}", ToolCallStyle.None)]
    public void A_template_tells_how_its_model_calls(string template, ToolCallStyle style) =>
        Assert.Equal(style, ToolCalls.StyleOf(ChatTemplate.Parse(template)));

    private static ToolCalls Tools(ToolCallStyle style)
    {
        using var tools = JsonDocument.Parse(
            """[{"type":"function","function":{"name":"weather"}},{"type":"function","function":{"name":"now"}},{"type":"other"},1]""");
        return new(style, tools.RootElement);
    }
}
