using System.Text;
using System.Text.Json;
using Sluice.Core;
using Sluice.Testing;

namespace Sluice.Engine.Tests;

/// <summary>Schemas that somebody wrote to do harm, or without a thought for where they end.</summary>
public sealed class JsonSchemaCheckTests
{
    private static readonly Tokenizer s_tokenizer = TestTokenizer.ByteLevel();

    [Theory]
    [InlineData("""{"$ref": "#"}""")]
    [InlineData("""{"anyOf": [{"$ref": "#"}]}""")]
    [InlineData("""{"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"}""")]
    [InlineData("""{"type": "array", "items": {"$ref": "#"}, "minItems": 1}""")]
    [InlineData("""{"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}""")]
    public void One_that_has_no_end_is_refused(string schema) =>
        Assert.Contains("nothing can be complete by it", Assert.Throws<InputException>(() => Schema(schema)).Message, StringComparison.Ordinal);

    [Fact]
    public void Alternatives_that_multiply_are_one_list_or_are_refused()
    {
        // Twelve levels of 30 alternatives each: 30 to the twelfth ways to the one text at the end.
        var levels = Enumerable.Range(0, 12).Select(level =>
            $$"""
            "l{{level}}": {"anyOf": [{{string.Join(',', Enumerable.Repeat($$"""{"$ref": "#/$defs/l{{level + 1}}"}""", 30))}}]}
            """);
        var schema = $$"""{"$defs": { {{string.Join(',', levels)}}, "l12": {"type": "string"} }, "$ref": "#/$defs/l0"}""";
        Assert.Equal("\"a\"", Fitting(Schema(schema), "\"a\""));

        var many = string.Join(',', Enumerable.Range(0, 30).Select(i =>
            $$"""{"anyOf": [{{string.Join(',', Enumerable.Range(0, 30).Select(k => $$"""{"type": "array", "minItems": {{i}}, "maxItems": {{i + k}}}"""))}}]}"""));
        Assert.Contains("more than 256", Assert.Throws<InputException>(() => Schema($$"""{"anyOf": [{{many}}]}""")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_part_that_has_no_end_is_left_out_where_something_else_will_do()
    {
        var schema = Schema(
            """
            {"$defs": {"no": {"type": "array", "items": {"$ref": "#/$defs/no"}, "minItems": 1}}, "type": "object",
             "properties": {"a": {"$ref": "#/$defs/no"}, "b": {"anyOf": [{"$ref": "#/$defs/no"}, {"type": "null"}]},
             "c": {"type": "array", "items": {"$ref": "#/$defs/no"}}}}
            """);

        Assert.Equal("""{"b":null,"c":[]}""", Fitting(schema, """{"b":null,"c":[]}"""));
        Assert.Equal("{\"", Fitting(schema, """{"a":[]}"""));
        Assert.Equal("{\"b\":", Fitting(schema, """{"b":[]}"""));
        Assert.Equal("{\"c\":[", Fitting(schema, """{"c":[[]]}"""));
    }

    [Fact]
    public void Every_value_of_a_long_enum_can_be_said_and_nothing_else()
    {
        string[] values = [.. Enumerable.Range(0, 2000).Select(i => $"\"v{i}\""), "1", "12", "123", "\"v1\"", "null"];
        var schema = Schema($$"""{"type": "array", "items": {"enum": [{{string.Join(',', values)}}] } }""");

        foreach (var value in values) Assert.Equal($"[{value},{value}]", Fitting(schema, $"[{value},{value}]"));
        Assert.Equal("[\"v2", Fitting(schema, "[\"v2x\"]"));
        Assert.Equal("[\"v200", Fitting(schema, "[\"v2000\"]"));
        Assert.Equal("[123", Fitting(schema, "[1234]"));
        Assert.Equal("[", Fitting(schema, "[2]"));
    }

    /// <summary>Nested as deep as it can be, and deeper: the answer ends, and the engine lives.</summary>
    [Fact]
    public void An_answer_that_cannot_be_closed_any_more_ends()
    {
        var schema = string.Concat(Enumerable.Repeat("""{"type":"object","required":["a"],"properties":{"a":""", 62)) + "true"
            + string.Concat(Enumerable.Repeat("}}", 62));
        var grammar = JsonGrammar.OfSchema(JsonDocument.Parse(schema, new() { MaxDepth = 256 }).RootElement);
        foreach (var temperature in (float[])[0, 1])
        {
            var chooser = new SamplingChooser(s_tokenizer, new() { Grammar = grammar, Temperature = temperature, Seed = 3 });

            var (_, text, ended) = Answers.Run(chooser, i => Answers.Logits(s_tokenizer.Vocabulary.Count, (ulong)i), 4000);

            Assert.True(ended);
            Assert.StartsWith("{", text.TrimStart(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Random_schemas_are_refused_or_give_answers()
    {
        var random = new Rng(11);
        for (var i = 0; i < 300; i++)
        {
            JsonGrammar grammar;
            try
            {
                grammar = Schema(Random(ref random, 0));
            }
            catch (InputException)
            {
                continue;
            }

            var chooser = new SamplingChooser(s_tokenizer, new() { Grammar = grammar, Seed = (ulong)i });
            Answers.Run(chooser, k => Answers.Logits(s_tokenizer.Vocabulary.Count, (ulong)k), 40);
        }
    }

    private static string Random(ref Rng random, int depth)
    {
        string[] leaves =
            ["true", """{"type":"string","maxLength":3}""", """{"enum":["a","ab",1,12,null]}""", """{"$ref":"#"}""", """{"type":["integer","null"]}""", "{}"];
        if (depth > 3 || random.Next(3) == 0) return leaves[random.Next(leaves.Length)];
        var (a, b) = (Random(ref random, depth + 1), Random(ref random, depth + 1));
        return random.Next(4) switch
        {
            0 => $$"""{"anyOf":[{{a}},{{b}}]}""",
            1 => $$"""{"type":"array","items":{{a}},"minItems":{{random.Next(3)}}}""",
            2 => $$"""{"type":"object","properties":{"x":{{a}},"xy":{{b}}},"required":[{{(random.Next(2) == 0 ? "\"x\"" : "")}}]}""",
            _ => $$"""{"type":"object","additionalProperties":{{a}}}""",
        };
    }

    private static JsonGrammar Schema(string schema) => JsonGrammar.OfSchema(JsonDocument.Parse(schema).RootElement);

    /// <summary>As much of a text as the grammar takes.</summary>
    private static string Fitting(JsonGrammar grammar, string text)
    {
        var machine = new JsonMachine(grammar);
        var (state, next) = (new JsonStacks(), new JsonStacks());
        machine.Start(state);
        var utf8 = Encoding.UTF8.GetBytes(text);
        for (var i = 0; i < utf8.Length; i++)
        {
            machine.Step(state, utf8[i], next);
            if (next.Count == 0) return Encoding.UTF8.GetString(utf8[..i]);
            (state, next) = (next, state);
        }

        return text;
    }
}
