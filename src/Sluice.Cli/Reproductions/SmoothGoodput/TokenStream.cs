namespace Sluice.Cli;

/// <summary>When the tokens of one answer come, and what a server gains that holds them back.</summary>
/// <remarks>Times are seconds since arrival, ascending. Source: arXiv 2410.14257, equations 5 and 9.</remarks>
public static class TokenStream
{
    /// <summary>The longest time between tokens (max TBT), without the wait for the first [s].</summary>
    public static double LongestGap(IReadOnlyList<double> times) =>
        times.Count < 2 ? 0 : Enumerable.Range(1, times.Count - 1).Max(i => times[i] - times[i - 1]);

    /// <summary>How long a steady reader idled: the greatest lateness of a token, 0 if each was in time [s].</summary>
    /// <param name="firstDue">When the first token is due.</param>
    /// <param name="pace">Time in which a token is taken in.</param>
    public static double Idle(IReadOnlyList<double> times, double firstDue, double pace) =>
        Math.Max(0, times.Select((at, i) => at - firstDue - i * pace).Max());

    /// <summary>The same stream from a server that keeps tokens until the one before is this long gone.</summary>
    /// <remarks>It sees no future: nothing leaves before it is there.</remarks>
    public static double[] HeldBack(IReadOnlyList<double> times, double interval)
    {
        var released = new double[times.Count];
        for (var i = 0; i < released.Length; i++)
            released[i] = i == 0 ? times[0] : Math.Max(times[i], released[i - 1] + interval);
        return released;
    }
}
