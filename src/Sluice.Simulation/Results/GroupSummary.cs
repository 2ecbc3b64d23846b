using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>What a set of requests got: all of a run, one SLO class, or one tenant. Counts are of requests that
/// arrived; latencies are over those that finished.</summary>
public sealed record GroupSummary
{
    public required string Name { get; init; }
    public long Requests { get; init; }
    public long Finished { get; init; }
    public long Failed { get; init; }
    public long Rejected { get; init; }
    public long Cancelled { get; init; }

    /// <summary>Still open when the run ended.</summary>
    public long Unfinished { get; init; }

    /// <summary>Requests that met every promise, see <see cref="Promises"/>.</summary>
    public long Met { get; init; }

    /// <summary><see cref="Met"/> / <see cref="Requests"/>, 0 to 1; NaN when nothing arrived.</summary>
    public double SloAttainment => Requests == 0 ? double.NaN : Met / (double)Requests;

    /// <summary>Of requests that finished.</summary>
    public long PromptTokens { get; init; }

    /// <summary>Of all requests, whether they finished or not.</summary>
    public long OutputTokens { get; init; }

    /// <summary>Of requests that met every promise.</summary>
    public long MetOutputTokens { get; init; }

    /// <summary>Prompt and output tokens of requests that finished.</summary>
    public long ServedTokens { get; init; }

    /// <summary>Requests that finished with every token in time for a steady reader.</summary>
    public long Smooth { get; init; }

    /// <summary><see cref="Smooth"/> / <see cref="Requests"/>: the token-deadline attainment, 0 to 1; NaN when nothing
    /// arrived.</summary>
    public double SmoothShare => Requests == 0 ? double.NaN : Smooth / (double)Requests;

    /// <summary>What all answers were worth to their readers [tokens], see <see cref="ReaderModel"/>.</summary>
    public double SmoothWorth { get; init; }

    /// <summary>How long a reader idled, mean over all requests [s].</summary>
    public double IdleSeconds { get; init; } = double.NaN;

    /// <summary>The promise all requests of the set share; null when they differ or there are none.</summary>
    public Slo? Slo { get; init; }

    public Distribution Ttft { get; init; } = Distribution.Empty;

    /// <summary>Over requests with at least two output tokens.</summary>
    public Distribution Tpot { get; init; } = Distribution.Empty;
    public Distribution E2e { get; init; } = Distribution.Empty;

    /// <summary>Arrival to first place in a running batch.</summary>
    public Distribution Queue { get; init; } = Distribution.Empty;

    /// <summary>Mean of E2E latency over output tokens [s per token].</summary>
    public double NormalizedLatency { get; init; } = double.NaN;
}
