using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Twenty operating points of real engines on H100: four models at five loads, means of TTFT and E2E.</summary>
/// <remarks>
/// vLLM 0.15.1, at most 128 sequences and 2,048 batched tokens, constant arrivals, 50 distinct prompts repeated. Numbers as
/// published in inference-sim/training. That almost every prompt is found in the prefix cache is inferred: it is the only
/// reading that fits the points with high rates. Output lengths are the requested ones. The published TTFT is the
/// client's. The one TTFT far off is Llama-2-70B at 20/s: its published p99 is 987 ms of a mean of 121, with about 112 of
/// 128 sequences busy, so a hiccup of the engine queues requests; means do not say what it was, and a cold prefix cache
/// does not explain it.
/// </remarks>
internal static class OperatingPoints
{
    public const string Set = "h100-points";

    private const int Prompts = 50;
    private const int Requests = 1000;

    private const string Origin =
        "Real vLLM 0.15.1 on H100, 128 sequences, 2,048 batched tokens, constant arrivals; means published in " +
        "inference-sim/training. TPOT is (mean E2E - mean TTFT) / (output tokens - 1). Repeated with 50 prompts in turn and a " +
        "prefix cache (that prompts were cached is inferred), 1,000 requests, of which 500 to 900 count.";

    private static readonly (string Profile, Point[] Points)[] s_table =
    [
        ("llama-2-7b@h100",
        [
            new(5, 592, 247, 25.0, 1810), new(10, 592, 247, 29.5, 2216), new(6, 786, 251, 27.1, 2071),
            new(8, 575, 248, 27.1, 2058), new(20, 575, 248, 51.9, 4158),
        ]),
        ("llama-2-70b@h100:tp4",
        [
            new(5, 593, 247, 53.4, 4333), new(10, 593, 247, 56.7, 4742), new(6, 787, 251, 54.8, 4562),
            new(8, 575, 248, 57.4, 4678), new(20, 575, 248, 121, 5577),
        ]),
        ("codellama-34b@h100:tp2",
        [
            new(5, 593, 247, 44.5, 3610), new(10, 593, 247, 46.1, 3779), new(6, 787, 251, 45.7, 3670),
            new(8, 575, 248, 46.0, 3694), new(20, 575, 248, 53.8, 4252),
        ]),
        ("mixtral-8x7b@h100:tp2",
        [
            new(5, 589, 247, 63.0, 4519), new(10, 589, 247, 56.8, 4754), new(6, 782, 251, 60.5, 4685),
            new(8, 571, 248, 63.9, 4796), new(20, 571, 248, 71.0, 5136),
        ]),
    ];

    public static IReadOnlyList<MeasuredRun> Runs { get; } =
        [.. s_table.SelectMany(model => model.Points.Select(point => Run(model.Profile, point)))];

    private static MeasuredRun Run(string profile, Point p)
    {
        var model = profile[..profile.IndexOf('@', StringComparison.Ordinal)];
        var name = FormattableString.Invariant($"{model} {p.Rate}/s {p.Prompt}/{p.Output}");
        var prefixes = Enumerable.Range(0, Prompts).Select(i => RunWorkloads.DistinctPrefix(i, p.Prompt)).ToArray();
        var requests = Enumerable.Range(0, Requests)
            .Select(i => new MeasuredRequest(i / (double)p.Rate, p.Prompt, p.Output, prefixes[i % Prompts]));
        return new MeasuredRun
        {
            Name = name,
            Set = Set,
            Origin = Origin,
            Profile = profile,
            HasPrefixCache = true,
            Limits = new EngineLimits(TokenBudget: 2048, SequencesMax: 128),
            Counted = 500..900,
            TpotFromMeans = true,
            Workload = RunWorkloads.Of(name, Origin, [.. requests]),
            Values =
            [
                new(LatencyMetric.Ttft, LatencyStatistic.Mean, p.Ttft),
                new(LatencyMetric.Tpot, LatencyStatistic.Mean, (p.E2e - p.Ttft) / (p.Output - 1)),
                new(LatencyMetric.E2e, LatencyStatistic.Mean, p.E2e),
            ],
        };
    }

    /// <summary>Rate [1/s], prompt and output [tokens], means of TTFT and E2E [ms].</summary>
    private readonly record struct Point(int Rate, int Prompt, int Output, double Ttft, double E2e);
}
