using System.Text.Json;
using Sluice.Core;
using Sluice.Testing;

namespace Sluice.Engine.Tests;

public sealed class JsonGrammarTests
{
    private static readonly Tokenizer s_tokenizer = TestTokenizer.ByteLevel();

    [Theory]
    [InlineData("{}", true)]
    [InlineData(" {\n  \"a\" : [1, -2.5e+3, true, null, \"x\\n\\u00e9é😀\"], \"b\": {} }", true)]
    [InlineData("{\"a\": [[], [0]]}", true)]
    [InlineData("[]", false)]
    [InlineData("{\"a\": 01}", false)]
    [InlineData("{\"a\": 1,}", false)]
    [InlineData("{a: 1}", false)]
    [InlineData("{\"a\": .5}", false)]
    [InlineData("{\"a\": \"\\ud800\"}", false)]
    [InlineData("{\"a\": \"\n\"}", false)]
    [InlineData("{\"a\": 1", false)]
    [InlineData("{\"a\": tru}", false)]
    [InlineData("{} x", false)]
    public void Any_object_is_JSON_and_nothing_else_is(string text, bool fits) => Assert.Equal(fits, Fits(JsonGrammar.AnyObject, text));

    private const string Person = """
        {"type": "object", "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 3},
            "age": {"type": ["integer", "null"]},
            "tags": {"type": "array", "items": {"enum": ["a", "ab", 7]}, "minItems": 1, "maxItems": 2},
            "child": {"$ref": "#"}},
         "required": ["name", "tags"]}
        """;

    [Theory]
    [InlineData("""{"name": "Bo", "tags": ["ab", 7]}""", true)]
    [InlineData("""{"name": "é😀x", "age": null, "tags": ["a"], "child": {"name": "y", "tags": [7]}}""", true)]
    [InlineData("""{"name": "B", "age": -3, "tags": ["a"]}""", true)]
    [InlineData("""{"name": "", "tags": ["a"]}""", false)]
    [InlineData("""{"name": "long", "tags": ["a"]}""", false)]
    [InlineData("""{"name": "B", "age": 1.5, "tags": ["a"]}""", false)]
    [InlineData("""{"name": "B", "tags": []}""", false)]
    [InlineData("""{"name": "B", "tags": ["a", "a", "a"]}""", false)]
    [InlineData("""{"name": "B", "tags": ["b"]}""", false)]
    [InlineData("""{"name": "B"}""", false)]
    [InlineData("""{"tags": ["a"], "name": "B"}""", false)]
    [InlineData("""{"name": "B", "tags": ["a"], "other": 1}""", false)]
    public void A_schema_restricts_what_it_says(string text, bool fits) => Assert.Equal(fits, Fits(Schema(Person), text));

    [Theory]
    [InlineData("""{"anyOf": [{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}]}""", """{"a": "x"}""", true)]
    [InlineData("""{"type": "object", "properties": {"a": true}, "additionalProperties": {"type": "boolean"}}""", """{"a": [1], "b": true}""", true)]
    [InlineData("""{"type": "object", "properties": {"a": true}, "additionalProperties": {"type": "boolean"}}""", """{"b": 1}""", false)]
    [InlineData("""{"type": "object", "additionalProperties": false}""", "{ }", true)]
    [InlineData("""{"const": {"k": [1]}}""", """{"k":[1]}""", true)]
    [InlineData("""{"type": "integer"}""", "12", true)]
    [InlineData("""{"type": "number"}""", "1e", false)]
    [InlineData("""{"$defs": {"t": {"type": "array", "items": {"$ref": "#/$defs/t"}}}, "$ref": "#/$defs/t"}""", "[[],[[]]]", true)]
    public void Schemas_are_combined(string schema, string text, bool fits) => Assert.Equal(fits, Fits(Schema(schema), text));

    [Theory]
    [InlineData("""{"type": "string", "pattern": "a+"}""", "schema.pattern: is not supported; expected type, properties,")]
    [InlineData("""{"type": "strin"}""", "schema.type: 'strin': did you mean 'string'?")]
    [InlineData("""{"properties": {"a": {"items": 3}}}""", "schema.properties.a")]
    [InlineData("""{"$ref": "#/$defs/x"}""", "schema.$ref: '#/$defs/x' leads nowhere.")]
    [InlineData("""{"$ref": "http://x"}""", "leads out of the schema; expected '#/…'.")]
    [InlineData("""{"type": "array", "minItems": 3, "maxItems": 2}""", "schema.minItems: exceeds maxItems.")]
    public void A_schema_that_cannot_be_held_is_refused(string schema, string message)
    {
        if (schema.Contains("items\": 3", StringComparison.Ordinal)) schema = schema.Replace("\"items\"", "\"type\": \"array\", \"items\"");

        Assert.Contains(message, Assert.Throws<InputException>(() => Schema(schema)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_mask_allows_exactly_the_tokens_that_fit_in_every_state_that_is_met()
    {
        foreach (var (grammar, text) in new[]
        {
            (JsonGrammar.AnyObject, "{ \"name\": [1.5, \"é\\\"x\", {\"list\": -0}], \"other\": true}"),
            (Schema(Person), """{"name": "é", "tags": ["a", "ab"], "child": {"name": "x", "tags": [7]}}"""),
        })
        {
            var matcher = new JsonMatcher(grammar, s_tokenizer);
            var said = "";
            foreach (var token in s_tokenizer.Encode(text, addSpecial: false, parseSpecial: false))
            {
                var mask = matcher.Mask(s_tokenizer.Vocabulary.Count);
                for (var other = 0; other < s_tokenizer.Vocabulary.Count; other++)
                    Assert.Equal(Begins(grammar, said, s_tokenizer.Vocabulary.Bytes(other)) && !s_tokenizer.IsControl(other),
                        Logits.Allows(mask, other) && !s_tokenizer.IsEnd(other));
                Assert.True(Logits.Allows(mask, token));
                matcher.Accept(token);
                said += System.Text.Encoding.Latin1.GetString(s_tokenizer.Vocabulary.Bytes(token));
            }

            Assert.True(matcher.IsDone);
        }
    }

    /// <summary>Whatever the model wants to say, JSON comes out.</summary>
    [Fact]
    public void Random_logits_give_JSON_of_the_schema()
    {
        var whole = 0;
        for (var seed = 0UL; seed < 60; seed++)
        {
            foreach (var grammar in new[] { JsonGrammar.AnyObject, Schema(Person) })
            {
                var chooser = new SamplingChooser(s_tokenizer, new() { Seed = seed, Grammar = grammar, Temperature = seed % 2 });
                var (_, text, ended) = Answers.Run(chooser, i => Logits(seed, i), 1500);
                if (!ended) continue; // A text or a nesting that went on.
                whole++;
                using var json = JsonDocument.Parse(text);
                if (ReferenceEquals(grammar, JsonGrammar.AnyObject)) continue;
                Assert.InRange(json.RootElement.GetProperty("name").GetString()!.EnumerateRunes().Count(), 1, 3);
                Assert.InRange(json.RootElement.GetProperty("tags").GetArrayLength(), 1, 2);
            }
        }

        Assert.True(whole > 60, $"only {whole} of 120 answers ended");

        // Closing is made likely, so that answers end.
        static float[] Logits(ulong seed, int position)
        {
            var logits = Answers.Logits(s_tokenizer.Vocabulary.Count, seed * 10_000 + (ulong)position);
            foreach (var close in "\"}]") logits[s_tokenizer.Encode(close.ToString(), addSpecial: false)[0]] += 7;
            return logits;
        }
    }

    private static JsonGrammar Schema(string schema) => JsonGrammar.OfSchema(JsonDocument.Parse(schema).RootElement);

    private static bool Fits(JsonGrammar grammar, string text) =>
        Run(grammar, System.Text.Encoding.UTF8.GetBytes(text)) is { } state && JsonMachine.MayEnd(state);

    private static bool Begins(JsonGrammar grammar, string said, ReadOnlySpan<byte> next) =>
        next.Length > 0 && Run(grammar, [.. System.Text.Encoding.Latin1.GetBytes(said), .. next]) is not null;

    private static JsonStacks? Run(JsonGrammar grammar, byte[] bytes)
    {
        var machine = new JsonMachine(grammar);
        var (state, next) = (new JsonStacks(), new JsonStacks());
        machine.Start(state);
        foreach (var b in bytes)
        {
            machine.Step(state, b, next);
            if (next.Count == 0) return null;
            (state, next) = (next, state);
        }

        return state;
    }
}
