using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>The reader of an answer, and what it is worth to them: smooth goodput.</summary>
/// <remarks>
/// Source: Wang et al., arXiv 2410.14257, equations 9 to 11: an answer is worth its tokens less α for each second its reader
/// idled, whoever asked; smooth goodput is that worth, summed over all who asked, per second. Ours, where the paper is silent:
/// the penalty is linear; an answer is never worth less than minus its cap; one that the system dropped counts as if its next
/// token came <see cref="AbandonedAfter"/> after arrival, so that dropping never beats serving late; one whose caller left is
/// scored up to then; work that was promised a completion time but no first token has no reader, and idles when it is late.
/// Tokens count when the engine has them, without delivery.
/// </remarks>
public sealed record ReaderModel
{
    /// <summary>Pace of the reader. The paper's experiments use 5.</summary>
    public double TokensPerSecond { get; init; } = 5;

    /// <summary>α: tokens that a second of idling costs. The paper's experiments use 2.5.</summary>
    public double IdlePenalty { get; init; } = 2.5;

    /// <summary>When a caller who was dropped would have had enough.</summary>
    public TimeSpan AbandonedAfter { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Time in which one token is taken in.</summary>
    public TimeSpan Pace => TimeSpan.FromSeconds(1 / TokensPerSecond);

    /// <summary>How long the reader idled, 0 when every token came in time [s].</summary>
    /// <param name="endTicks">End of the run, for what was still open then.</param>
    internal double IdleSeconds(RequestLog log, Request request, int i, long endTicks)
    {
        var late = log.OutputTokens[i] > 0 ? log.LagTicks[i] : 0;
        var slo = request.Slo;
        if (slo.Ttft == TimeSpan.MaxValue && slo.E2e != TimeSpan.MaxValue)
        {
            var done = log.Outcome[i] == Outcome.Finished ? log.Ended[i] : WaitedUntil(log, i, endTicks);
            late = done - log.Arrival[i] - slo.E2e.Ticks;
        }
        else if (log.Outcome[i] != Outcome.Finished)
        {
            var first = slo.Ttft == TimeSpan.MaxValue ? Pace : slo.Ttft;
            var due = log.Arrival[i] + first.Ticks + Pace.Ticks * log.OutputTokens[i];
            late = Math.Max(late, WaitedUntil(log, i, endTicks) - due);
        }

        return Math.Max(0, late) / (double)TimeSpan.TicksPerSecond;
    }

    /// <summary>What the answer was worth [tokens].</summary>
    internal double Worth(Request request, int outputTokens, double idleSeconds) =>
        Math.Max(outputTokens - IdlePenalty * idleSeconds, -request.MaxOutputTokens);

    private long WaitedUntil(RequestLog log, int i, long endTicks) => log.Outcome[i] switch
    {
        Outcome.Cancelled => log.Ended[i],
        Outcome.Unfinished => endTicks,
        _ => Math.Max(log.Ended[i], log.Arrival[i] + AbandonedAfter.Ticks),
    };
}
