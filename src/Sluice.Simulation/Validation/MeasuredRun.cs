using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>What a latency counts.</summary>
public enum LatencyMetric
{
    /// <summary>Arrival to first token.</summary>
    Ttft,

    /// <summary>(E2E − TTFT) / (output tokens − 1) of each request.</summary>
    Tpot,

    /// <summary>Arrival to last token.</summary>
    E2e,
}

/// <summary>Which value stands for all requests of a run.</summary>
public enum LatencyStatistic { Mean, P50, P90, P99 }

/// <summary>A value to hold the simulator against [ms].</summary>
public readonly record struct MeasuredValue(LatencyMetric Metric, LatencyStatistic Statistic, double Milliseconds);

/// <summary>One run of a real engine (or of another simulator): what was sent, what came out, and how to repeat it.</summary>
public sealed record MeasuredRun
{
    /// <summary>Unique, short.</summary>
    public required string Name { get; init; }

    /// <summary>Runs that belong together and are listed together.</summary>
    public required string Set { get; init; }

    /// <summary>Who measured what and how, how it is repeated, and what was assumed; one text per set is shown once.</summary>
    public required string Origin { get; init; }

    /// <summary>Name in <see cref="ProfileCatalog"/>; it need not exist.</summary>
    public required string Profile { get; init; }

    /// <summary>System that ran, by its name in the catalog of systems.</summary>
    public string System { get; init; } = "vllm-v1";

    /// <summary>The engine kept prompt blocks for reuse.</summary>
    public bool HasPrefixCache { get; init; }

    public EngineLimits Limits { get; init; } = new();

    /// <summary>When a token counts as there; null for as the caller sees it, with the profile's delays.</summary>
    public TokenDelay? Delay { get; init; }

    /// <summary>Requests whose latencies count, by index; the others bring the run into its steady state.</summary>
    public Range Counted { get; init; } = Range.All;

    /// <summary>TPOT is (mean E2E − mean TTFT) / (output tokens − 1), not a mean over requests.</summary>
    public bool TpotFromMeans { get; init; }

    public Workload? Workload { get; init; }
    public IReadOnlyList<MeasuredValue> Values { get; init; } = [];

    /// <summary>Why it cannot be repeated; null if it can.</summary>
    public string? NotSimulated { get; init; }
}

/// <summary>From the end of the step that computes a token to the moment it counts as there.</summary>
/// <param name="Iterations">Extra steps, of scheduling ahead.</param>
/// <param name="Milliseconds">HTTP, tokenisation.</param>
public sealed record TokenDelay(double Iterations, double Milliseconds);
