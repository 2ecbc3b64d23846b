namespace Sluice.Gateway.Tests;

public sealed class BatchWindowTests
{
    [Theory]
    [InlineData("24h", 86_400)]
    [InlineData("30m", 1800)]
    [InlineData("90s", 90)]
    [InlineData("2d", 172_800)]
    public void A_window_is_a_number_with_a_unit(string text, int seconds)
    {
        Assert.True(BatchWindow.TryParse(text, out var window));
        Assert.Equal(TimeSpan.FromSeconds(seconds), window);
    }

    [Theory]
    [InlineData("")]
    [InlineData("h")]
    [InlineData("24")]
    [InlineData("0h")]
    [InlineData("-1h")]
    [InlineData("1.5h")]
    [InlineData("1w")]
    [InlineData("999999999999h")]
    public void Anything_else_is_none(string text) => Assert.False(BatchWindow.TryParse(text, out _));
}
