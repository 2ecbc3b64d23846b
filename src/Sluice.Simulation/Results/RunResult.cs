using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>One finished run: what was run, what happened to each request, and how long it took us.</summary>
public sealed record RunResult
{
    /// <summary>Name of the system in the catalog, with the settings that differ from its defaults.</summary>
    public required string System { get; init; }

    public required Workload Workload { get; init; }

    /// <summary>Everything needed to repeat the run, in the order it should be printed: flag without dashes, value.</summary>
    public required IReadOnlyList<KeyValuePair<string, string>> Settings { get; init; }

    public required int Engines { get; init; }

    /// <summary>Devices (GPUs) over all engines, tensor parallelism included.</summary>
    public required int Devices { get; init; }

    public required RequestLog Log { get; init; }

    /// <summary>Gaps between consecutive output tokens of a sequence over all engines [ms].</summary>
    public required LogHistogram ItlMilliseconds { get; init; }

    public required TimeSeries Series { get; init; }

    /// <summary>Engine steps over all engines.</summary>
    public required long Iterations { get; init; }

    /// <summary>Prompt tokens computed, recomputation after preemption included.</summary>
    public required long PrefillTokens { get; init; }

    /// <summary>Models that engines loaded; those they began with do not count.</summary>
    public long ModelLoads { get; init; }

    /// <summary>Requests taken back from engines into the queue.</summary>
    public long Evictions { get; init; }

    /// <summary>Hash of the event stream.</summary>
    public required ulong Fingerprint { get; init; }

    /// <summary>Virtual time of the last event.</summary>
    public required Instant End { get; init; }

    /// <summary>Wall-clock time of the event loop alone, without reading input or writing reports.</summary>
    public required TimeSpan Wall { get; init; }

    /// <summary>Whose idling smooth goodput counts.</summary>
    public ReaderModel Reader { get; init; } = new();

    /// <summary>Predicted against actual waits; null when the system predicts none.</summary>
    public RwtCalibration? Calibration { get; init; }

    /// <summary>What a reader of the numbers must know: origin and check of the profile, parts that were inferred.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}
