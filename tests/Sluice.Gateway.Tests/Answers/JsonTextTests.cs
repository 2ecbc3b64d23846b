using System.Text;

namespace Sluice.Gateway.Tests;

public sealed class JsonTextTests
{
    [Fact]
    public void Pieces_are_joined_and_decoded_in_the_end()
    {
        var text = new JsonText();
        text.Append("""a\u00e4\n\"b\" """u8);
        for (var i = 0; i < 1000; i++) text.Append("xyz"u8);
        text.Append("\\ud83d"u8); // One half of a pair in each of two pieces.
        text.Append("\\ude42"u8);

        Assert.True(text.TryDecode(out var decoded));
        Assert.Equal($"aä\n\"b\" {string.Concat(Enumerable.Repeat("xyz", 1000))}🙂", decoded);
        Assert.Equal(Encoding.UTF8.GetString(text.Quoted).Length, text.Length + 2);
    }

    [Fact]
    public void Half_a_pair_cannot_be_decoded_and_nothing_else_breaks()
    {
        var text = new JsonText();
        text.Append("a\\ud83d"u8);

        Assert.False(text.TryDecode(out _));
        text.Clear();
        Assert.Equal("\"\"", Encoding.UTF8.GetString(text.Quoted));
    }
}
