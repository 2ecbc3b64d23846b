using System.Text;

namespace Sluice.Gateway.Tests;

public sealed class LineReaderTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("a", "1:a")]
    [InlineData("a\n", "1:a")]
    [InlineData("a\r\nb\n\nc", "1:a 2:b 3: 4:c")]
    [InlineData("ab\nabcdefghi\nc", "1:ab 2:too long")]
    [InlineData("abcdefghi", "1:too long")]
    public async Task Lines_are_numbered_and_bounded(string text, string expected)
    {
        var lines = new List<string>();
        await foreach (var (number, line) in LineReader.ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(text)), bytesMax: 8, default))
            lines.Add($"{number}:{(line is { } bytes ? Encoding.UTF8.GetString(bytes.Span) : "too long")}");

        Assert.Equal(expected, string.Join(' ', lines));
    }
}
