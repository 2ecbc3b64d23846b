using System.Text;
using System.Text.Json;

namespace Sluice.Upstreams.Tests;

public sealed class EventFormTests
{
    private const string Known = """{"id":"c","choices":[{"index":0,"delta":{"content":"one"},"finish_reason":null}]}""";

    [Theory]
    [InlineData("two", true)]
    [InlineData(" ", true)]
    [InlineData("grün 🙂", true)]
    [InlineData("one", true)]
    [InlineData("", false)] // No token, so not the same.
    [InlineData("a\\nb", false)] // An escape is for a reader.
    [InlineData("a\"}}]}{\"x\":[{\"y\":{\"content\":\"b", false)] // The text ends before it seems to.
    [InlineData("a\tb", false)] // Not allowed in JSON.
    public void An_event_that_differs_in_its_text_only_is_known_without_being_read(string text, bool isKnown)
    {
        var form = Learned(Known);
        var json = Encoding.UTF8.GetBytes(Known.Replace("one", text, StringComparison.Ordinal));

        Assert.Equal(isKnown, form.TryMatch(json, out var scan));
        if (isKnown) Assert.Equal(text, Encoding.UTF8.GetString(scan.TextOf(json)));
    }

    [Theory]
    [InlineData("""{"id":"d","choices":[{"index":0,"delta":{"content":"two"},"finish_reason":null}]}""")]
    [InlineData("""{"id":"c","choices":[{"index":0,"delta":{"content":"two"},"finish_reason":"stop"}]}""")]
    [InlineData("""{"id":"c"}""")]
    [InlineData("")]
    public void An_event_that_differs_elsewhere_has_to_be_read(string json) =>
        Assert.False(Learned(Known).TryMatch(Encoding.UTF8.GetBytes(json), out _));

    [Fact]
    public void Bytes_that_are_not_UTF_8_have_to_be_read()
    {
        var json = Encoding.UTF8.GetBytes(Known);
        json[Known.IndexOf("one", StringComparison.Ordinal)] = 0xff;

        Assert.False(Learned(Known).TryMatch(json, out _));
    }

    [Fact]
    public void Nothing_is_known_before_anything_was_read() =>
        Assert.False(new EventForm().TryMatch(Encoding.UTF8.GetBytes(Known), out _));

    /// <summary>Whatever is known says the same as if it had been read; events are cut and patched at random.</summary>
    [Fact]
    public void What_is_known_says_what_reading_it_says()
    {
        var random = new Random(5);
        var form = Learned(Known);
        var hits = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var json = Encoding.UTF8.GetBytes(Known).ToList();
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                var at = random.Next(json.Count);
                if (random.Next(3) == 0) json.RemoveAt(at);
                else json.Insert(at, (byte)"\"\\{}[]:,aé \n\u0001"[random.Next(13)]);
            }

            byte[] bytes = [.. json];
            if (!form.TryMatch(bytes, out var known)) continue;
            hits++;
            Assert.True(AnswerScan.TryScan(bytes, out var read));
            Assert.Equal(read, known);
            JsonDocument.Parse(bytes).Dispose();
        }

        Assert.InRange(hits, 50, 20_000);
    }

    [Fact]
    public void Events_that_came_together_become_one_with_all_their_text_and_tokens()
    {
        var (form, joined) = (Learned(Known), new JoinedText());
        foreach (var text in new[] { "a", "bc", "é" })
        {
            var json = Encoding.UTF8.GetBytes(Known.Replace("one", text, StringComparison.Ordinal));
            Assert.True(form.TryMatch(json, out var scan));
            joined.Add(form, json, in scan);
        }

        var (whole, sum) = joined.Take(form);

        Assert.Equal(Known.Replace("one", "abcé", StringComparison.Ordinal), Encoding.UTF8.GetString(whole.Span));
        Assert.Equal("abcé", Encoding.UTF8.GetString(sum.TextOf(whole.Span)));
        Assert.Equal(3, sum.Tokens);
        Assert.True(joined.IsEmpty);
    }

    private static EventForm Learned(string json)
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        Assert.True(AnswerScan.TryScan(bytes, out var scan));
        var form = new EventForm();
        form.Learn(bytes, in scan);
        return form;
    }
}
