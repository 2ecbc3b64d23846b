using Sluice.Core;

namespace Sluice.Cli;

/// <summary>What became of one request. Times in ms; NaN where there is none.</summary>
public record struct BenchCall
{
    /// <summary>Index in the workload.</summary>
    public int Request { get; init; }

    /// <summary>Null for one that was answered to its end.</summary>
    public string? Error { get; set; }

    /// <summary>As the server counted, else as the workload asked.</summary>
    public int PromptTokens { get; set; }

    public int OutputTokens { get; set; }

    /// <summary>From its arrival until it was sent, because too many were under way.</summary>
    public double ClientQueueMilliseconds { get; set; }

    /// <summary>From sending.</summary>
    public double TtftMilliseconds { get; set; }

    /// <summary>From sending to the last token.</summary>
    public double E2elMilliseconds { get; set; }

    /// <summary>Sent, since the run began.</summary>
    public double SentMilliseconds { get; set; }

    /// <summary>As Sluice said it would wait, and as it said it did.</summary>
    public double ExpectedWaitMilliseconds { get; set; }

    public double WaitMilliseconds { get; set; }

    public readonly bool IsOk => Error is null;

    public readonly double TpotMilliseconds =>
        OutputTokens > 1 ? (E2elMilliseconds - TtftMilliseconds) / (OutputTokens - 1) : double.NaN;

    /// <summary>Promises count from arrival, so waiting here is in them.</summary>
    public readonly bool Keeps(Slo slo) =>
        IsOk && Within(ClientQueueMilliseconds + TtftMilliseconds, slo.Ttft)
        && Within(ClientQueueMilliseconds + E2elMilliseconds, slo.E2e)
        && !(slo.Tpot < TimeSpan.MaxValue && TpotMilliseconds > slo.Tpot.TotalMilliseconds);

    private static bool Within(double milliseconds, TimeSpan limit) =>
        limit == TimeSpan.MaxValue || milliseconds <= limit.TotalMilliseconds;
}
