using System.Text;
using System.Text.Json.Nodes;
using Sluice.Core;

namespace Sluice.Upstreams.Tests;

public sealed class BodyEditsTests
{
    private static BodyEdits Of(string json) => new(Encoding.UTF8.GetBytes(json));

    private static string Edited(string json, Action<BodyEdits> edit)
    {
        var edits = Of(json);
        edit(edits);
        return edits.ToString();
    }

    [Theory]
    [InlineData("{}", """{"a":1}""")]
    [InlineData(" { } ", """ {"a":1 } """)]
    [InlineData("""{"b":2}""", """{"a":1,"b":2}""")]
    [InlineData("""{"b":2,"a":[1,{}]}""", """{"b":2,"a":1}""")]
    [InlineData("""{"a":0,"\u0061":"x"}""", """{"a":1,"\u0061":1}""")]
    public void A_member_is_set_wherever_it_stands_or_added(string before, string after)
    {
        Assert.Equal(after, Edited(before, e => e.Set("a", "1")));
    }

    [Fact]
    public void Several_members_can_be_added_and_set_again()
    {
        Assert.Equal("""{"b":3,"a":4,"c":0}""", Edited("""{"c":0}""", e =>
        {
            e.Set("a", "1");
            e.Set("b", "3");
            e.Set("a", "4");
        }));
    }

    [Theory]
    [InlineData("{}", """{"o":{"x":true}}""", false)]
    [InlineData("""{"o":null}""", """{"o":{"x":true}}""", false)]
    [InlineData("""{"o":{}}""", """{"o":{"x":true}}""", false)]
    [InlineData("""{"o":{"x":false,"y":1}}""", """{"o":{"x":true,"y":1}}""", false)]
    [InlineData("""{"o":{"x":true}}""", """{"o":{"x":true}}""", true)]
    public void A_member_of_a_member_is_set(string before, string after, bool wasSo)
    {
        Assert.Equal(after, Edited(before, e => Assert.Equal(wasSo, e.SetIn("o", "x", "true"))));
    }

    [Theory]
    [InlineData("""{"n":10}""", """{"n":7}""")]
    [InlineData("""{"n":2}""", """{"n":1}""")]
    [InlineData("""{"n":null}""", """{"n":null}""")]
    [InlineData("""{"n":1.5}""", """{"n":1.5}""")]
    [InlineData("{}", "{}")]
    public void A_count_is_reduced_to_no_less_than_its_least(string before, string after)
    {
        Assert.Equal(after, Edited(before, e => e.Reduce("n", 3, 1)));
    }

    [Theory]
    [InlineData("""{"prompt":"a\"b"}""", """{"prompt":"a\"b\"x\n"}""")]
    [InlineData("""{"prompt":["a"]}""", """{"prompt":["a\"x\n"]}""")]
    [InlineData("""{"prompt":""}""", """{"prompt":"\"x\n"}""")]
    public void Text_is_appended_to_a_prompt(string before, string after)
    {
        Assert.Equal(after, Edited(before, e => Assert.True(e.AppendToText("prompt", "\"x\n"))));
    }

    [Theory]
    [InlineData("""{"prompt":[1,2]}""")]
    [InlineData("""{"prompt":["a","b"]}""")]
    [InlineData("""{"prompt":[]}""")]
    [InlineData("""{"prompt":null}""")]
    [InlineData("{}")]
    public void A_prompt_that_is_not_one_text_cannot_be_continued(string body)
    {
        Assert.False(Of(body).AppendToText("prompt", "x"));
    }

    [Theory]
    [InlineData(false, """{"messages":[{"role":"user","content":"q"} ,{"role":"assistant","content":"x"}]}""")]
    [InlineData(true, """{"messages":[{"role":"user","content":"qx"} ]}""")]
    public void An_answer_is_appended_as_a_message_or_to_the_one_begun(bool isBegun, string after)
    {
        Assert.Equal(after, Edited("""{"messages":[{"role":"user","content":"q"} ]}""", e => Assert.True(e.AppendAssistant("x", isBegun))));
    }

    [Theory]
    [InlineData("""{"messages":[]}""")]
    [InlineData("""{"messages":"x"}""")]
    [InlineData("{}")]
    public void Messages_that_are_none_cannot_be_continued(string body)
    {
        Assert.False(Of(body).AppendAssistant("x", isBegun: false));
    }

    [Fact]
    public void Random_objects_keep_every_other_member()
    {
        for (var i = 0; i < Cases.Count(300); i++)
        {
            var rng = new Rng(Cases.FirstSeed + (ulong)i);
            var before = RandomObject(ref rng, 0);
            var edits = Of(before.ToJsonString());
            edits.Set("model", "\"new\"");
            edits.SetIn("stream_options", "include_usage", "true");
            var expected = before.DeepClone().AsObject();
            expected["model"] = "new";
            if (expected["stream_options"] is JsonObject options) options["include_usage"] = true;
            else expected["stream_options"] = new JsonObject { ["include_usage"] = true };

            Assert.True(JsonNode.DeepEquals(expected, JsonNode.Parse(edits.ToString())), $"seed {Cases.FirstSeed + (ulong)i}: {edits}");
        }
    }

    private static JsonObject RandomObject(ref Rng rng, int depth)
    {
        string[] names = ["model", "stream_options", "include_usage", "ä\"\\", "x"];
        var json = new JsonObject();
        for (var left = rng.Next(5); left > 0; left--)
            json[names[rng.Next(names.Length)]] = rng.Next(depth < 3 ? 6 : 4) switch
            {
                0 => null,
                1 => rng.NextDouble(),
                2 => "}{\",:[] é",
                3 => rng.Next(2) == 0,
                4 => new JsonArray(RandomObject(ref rng, depth + 1), 1),
                _ => RandomObject(ref rng, depth + 1),
            };
        return json;
    }
}
