using System.Buffers;

namespace Sluice.Gateway.Tests;

public sealed class GrowingBodyTests
{
    [Theory]
    [InlineData(0, 0, 1)]
    [InlineData(10, 10, 3)]
    [InlineData(4096, 5000, 700)] // Longer than was expected.
    [InlineData(4096, 65_536, 1000)]
    [InlineData(65_537, 65_537, 65_537)]
    [InlineData(4096, 1_000_000, 16_384)]
    [InlineData(int.MaxValue, 65_536 + (3 * 262_144), 100_000)] // Exactly full.
    public void What_was_appended_comes_out(int expected, int bytes, int atOnce)
    {
        var content = new byte[bytes];
        new Random(bytes).NextBytes(content);
        using var body = new GrowingBody(expected);
        for (var at = 0; at < bytes; at += atOnce)
            body.Append(new ReadOnlySequence<byte>(content.AsMemory(at, Math.Min(atOnce, bytes - at))));

        Assert.Equal(bytes, body.Length);
        Assert.True(body.Take().Span.SequenceEqual(content));
    }
}
