using System.Text;

namespace Sluice.Gateway.Tests;

public sealed class InputLineTests
{
    public static TheoryData<string, string, string?> Wrong => new()
    {
        { "{", "invalid_json_line", null },
        { "7", "invalid_json_line", null },
        { """{"custom_id":"a"} x""", "invalid_json_line", null },
        { """{"custom_id":7}""", "invalid_type", "custom_id" },
        { """{"method":"POST"}""", "missing_required_parameter", "custom_id" },
        { """{"custom_id":"","method":"POST"}""", "missing_required_parameter", "custom_id" },
        { """{"custom_id":"a"}""", "missing_required_parameter", "method" },
        { """{"custom_id":"a","method":"GET"}""", "invalid_method", "method" },
        { """{"custom_id":"a","method":"POST"}""", "missing_required_parameter", "url" },
        { """{"custom_id":"a","method":"POST","url":"/v1/embeddings"}""", "invalid_url", "url" },
        { """{"custom_id":"a","method":"POST","url":"/v1/chat/completions"}""", "missing_required_parameter", "body" },
        { """{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":[]}""", "invalid_type", "body" },
        { """{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{}}""", "missing_required_parameter", "body.model" },
        { """{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":7}}""", "invalid_request", "body.model" },
        { """{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m","stream":true}}""", "invalid_value", "body.stream" },
    };

    [Theory, MemberData(nameof(Wrong))]
    public void A_line_that_cannot_run_says_why(string line, string code, string? param)
    {
        var problem = InputLine.Parse(Encoding.UTF8.GetBytes(line), "/v1/chat/completions", out var parsed);

        Assert.Equal((code, param), (problem!.Code, problem.Param));
        Assert.Null(parsed);
    }

    [Fact]
    public void A_line_that_is_not_text_says_so()
    {
        var problem = InputLine.Parse(new byte[] { (byte)'{', 0xff, (byte)'}' }, "/v1/chat/completions", out _);

        Assert.Equal("invalid_json_line", problem!.Code);
    }

    [Fact]
    public void The_body_is_passed_on_as_it_stands_in_the_line()
    {
        var line = """ {"body": {"model":"m", "x" : [1]} , "extra":{},"custom_id":"a","url":"/v1/completions","method":"POST"} """;

        Assert.Null(InputLine.Parse(Encoding.UTF8.GetBytes(line), "/v1/completions", out var parsed));

        Assert.Equal("""{"model":"m", "x" : [1]}""", Encoding.UTF8.GetString(parsed!.Body.Span));
        Assert.Equal(("a", "m"), (parsed.CustomId, parsed.Model));
    }

    [Theory]
    [InlineData("\"text\"", 1)]
    [InlineData("[1,2,3]", 1)]
    [InlineData("[\"a\",\"b\"]", 2)]
    [InlineData("[[1],[2],[3]]", 3)]
    [InlineData("[]", 1)]
    public void Inputs_to_embed_are_counted(string input, int count)
    {
        var line = $$$"""{"custom_id":"a","method":"POST","url":"/v1/embeddings","body":{"model":"m","input":{{{input}}}}}""";

        Assert.Null(InputLine.Parse(Encoding.UTF8.GetBytes(line), "/v1/embeddings", out var parsed));
        Assert.Equal(count, parsed!.Inputs);
    }
}
