using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>The figures of one run that reports print, compare and plot.</summary>
/// <remarks>
/// Percentiles of TTFT, TPOT, E2E latency and queue wait are exact (nearest rank) over finished requests; those of ITL
/// come from the run's histogram and are within 0.2 %. Rates, goodput included, divide by the virtual duration of the whole
/// run, from its start to its last event, so that all of them share one denominator and a system that drains slowly does not
/// look faster for it. Requests of program stages that never arrived are not counted.
/// </remarks>
public sealed record RunSummary
{
    public required string System { get; init; }
    public required string Workload { get; init; }
    public required string WorkloadOrigin { get; init; }
    public required IReadOnlyList<KeyValuePair<string, string>> Settings { get; init; }
    public required IReadOnlyList<string> Notes { get; init; }
    public required int Engines { get; init; }
    public required int Devices { get; init; }

    /// <summary>Over all requests.</summary>
    public required GroupSummary All { get; init; }

    /// <summary>By <see cref="ClassId"/>, classes without requests included.</summary>
    public required IReadOnlyList<GroupSummary> Classes { get; init; }

    /// <summary>By <see cref="TenantId"/>, tenants without requests included.</summary>
    public required IReadOnlyList<GroupSummary> Tenants { get; init; }

    /// <summary>Gaps between output tokens [ms], not of one request but of all.</summary>
    public required Distribution Itl { get; init; }

    /// <summary>Jain's index over the tokens served to each tenant that had a request; 1 is even.</summary>
    public required double TenantFairness { get; init; }

    public required long Preemptions { get; init; }
    public required long ModelLoads { get; init; }
    public required long Evictions { get; init; }
    public required long Iterations { get; init; }

    /// <summary>Prompt tokens computed, recomputation included.</summary>
    public required long PrefillTokens { get; init; }

    /// <summary>Prompt tokens taken from the prefix cache.</summary>
    public required long CachedPromptTokens { get; init; }

    public required double VirtualSeconds { get; init; }

    /// <summary>Of the event loop alone.</summary>
    public required double WallSeconds { get; init; }

    /// <summary>NaN when the caller did not measure it.</summary>
    public required double PeakMemoryMegabytes { get; init; }

    /// <summary>Hash of the event stream, 16 hexadecimal digits.</summary>
    public required string Fingerprint { get; init; }

    public required TimeSeries Series { get; init; }

    public double RequestsPerSecond => All.Finished / VirtualSeconds;
    public double OutputTokensPerSecond => All.OutputTokens / VirtualSeconds;

    /// <summary>Requests per second that met every promise.</summary>
    public double Goodput => All.Met / VirtualSeconds;

    /// <summary>Output tokens per second of requests that met every promise.</summary>
    public double GoodputTokensPerSecond => All.MetOutputTokens / VirtualSeconds;
    /// <summary>Worth of all answers per second [tokens/s], see <see cref="ReaderModel"/>.</summary>
    public double SmoothGoodput => All.SmoothWorth / VirtualSeconds;
    public double GoodputPerDevice => Goodput / Devices;

    /// <summary>Requests that arrived per second of wall-clock time: the simulator's own speed.</summary>
    public double RequestsPerWallSecond => All.Requests / WallSeconds;

    /// <param name="peakMemoryMegabytes">Of the process, if the caller knows it.</param>
    public static RunSummary Of(RunResult result, double peakMemoryMegabytes = double.NaN) =>
        Summarizer.Summarize(result, peakMemoryMegabytes);
}
