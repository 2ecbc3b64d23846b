namespace Sluice.Upstreams.Tests;

public sealed class CallWatchTests
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    /// <summary>Calls end in every order; those that are left are watched as before.</summary>
    [Theory]
    [InlineData(0, 1, 2)]
    [InlineData(2, 1, 0)]
    [InlineData(1, 0, 3)]
    [InlineData(3, 0, 1)]
    public void Those_that_go_on_are_stopped_when_they_fall_silent_whoever_ended_before(params int[] ending)
    {
        var time = new ManualTime();
        using var watch = new CallWatch(time, s_second);
        var calls = Enumerable.Range(0, 4).Select(_ => watch.Begin(s_second, default)).ToArray();
        foreach (var i in ending)
        {
            calls[i].Dispose();
            calls[i].Dispose(); // Once more changes nothing.
        }

        var left = calls.Where((_, i) => !ending.Contains(i)).Single();
        var later = watch.Begin(10 * s_second, default);
        time.Advance(2 * s_second);

        Assert.Equal(s_second, left.Silence);
        Assert.True(left.Token.IsCancellationRequested);
        Assert.All(ending, i => Assert.Null(calls[i].Silence));
        Assert.Null(later.Silence);
        left.Dispose();
        later.Dispose();
    }
}
