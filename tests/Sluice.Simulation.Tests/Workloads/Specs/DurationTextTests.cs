namespace Sluice.Simulation.Tests;

public sealed class DurationTextTests
{
    [Theory]
    [InlineData("50ms", 0.05)]
    [InlineData("2s", 2)]
    [InlineData("1.5", 1.5)]
    [InlineData("10m", 600)]
    [InlineData("1h", 3600)]
    [InlineData(" 0 ", 0)]
    public void Units_are_understood(string text, double seconds)
    {
        Assert.True(DurationText.TryParse(text, out var duration));
        Assert.Equal(seconds, duration.TotalSeconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("1d")]
    [InlineData("1hs")]
    [InlineData("-1s")]
    [InlineData("NaN")]
    [InlineData("1e30h")]
    public void Anything_else_is_refused(string text) => Assert.False(DurationText.TryParse(text, out _));
}
