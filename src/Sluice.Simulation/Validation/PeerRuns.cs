using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>What two other simulators say of one standard case, for want of measurements on A100.</summary>
/// <remarks>
/// 2,000 requests, Poisson 2/s, 512 tokens in and 128 out, one engine, token budget 512, 128 sequences, no prefix reuse:
/// microsoft/vidur 7d47513 (its Sarathi scheduler, MLP profiles of its own, attention from measured kernels) and
/// inference-sim/inference-sim f90a1e3 (BLIS). Their arrivals come from numpy and are not repeated here: compare means.
/// Vidur counts a token at the end of its step, so no delay is added for it; BLIS adds delays of its own.
/// </remarks>
internal static class PeerRuns
{
    private const int Requests = 2000;
    private const double RequestsPerSecond = 2;

    private const string Origin =
        "No measurement: results of another simulator for 2,000 requests, Poisson 2/s, 512/128 tokens, token budget 512, 128 " +
        "sequences. Arrivals are our own stream of the same law.";

    public static IReadOnlyList<MeasuredRun> All { get; } =
    [
        Run("vidur", "llama-3.1-8b@a100", 57.6, 11.52, 1531.8),
        Run("vidur", "llama-2-7b@a100", 54.9, 10.88, 1447.2),
        Run("vidur", "llama-2-7b@h100", 22.2, 6.25, 822.0),
        Run("BLIS", "llama-3.1-8b@a100", 45.2, 10.90, 1429.2),
        Run("BLIS", "llama-2-7b@a100", 44.7, 11.05, 1447.5),
        Run("BLIS", "llama-2-7b@h100", 31.9, 6.99, 919.0),
    ];

    private static MeasuredRun Run(string peer, string profile, double ttft, double tpot, double e2e)
    {
        var name = $"{profile} by {peer}";
        return new MeasuredRun
        {
            Name = name,
            Set = $"peer-{peer.ToLowerInvariant()}",
            Origin = Origin,
            Profile = profile,
            Limits = new EngineLimits(TokenBudget: 512, SequencesMax: 128),
            Delay = peer == "vidur" ? new TokenDelay(0, 0) : null,
            Workload = Poisson(name),
            Values =
            [
                new(LatencyMetric.Ttft, LatencyStatistic.Mean, ttft),
                new(LatencyMetric.Tpot, LatencyStatistic.Mean, tpot),
                new(LatencyMetric.E2e, LatencyStatistic.Mean, e2e),
            ],
        };
    }

    private static Workload Poisson(string name)
    {
        var rng = new Rng(42).Fork("arrivals");
        var at = 0.0;
        var requests = new MeasuredRequest[Requests];
        for (var i = 0; i < Requests; i++)
            requests[i] = new((at -= Math.Log(1 - rng.NextDouble()) / RequestsPerSecond), 512, 128, []);
        return RunWorkloads.Of(name, Origin, requests);
    }
}
