using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>One kind of traffic with promises on one fleet: how many are kept, by any system at any rate.</summary>
/// <param name="load">With promises.</param>
/// <param name="isKept">Whether a request of a run kept its promise; <see cref="Promises.Met"/> when null.</param>
public sealed class PromiseTrials(
    PoissonLoad load, TimeSpan duration, SimulationOptions options, Func<RunResult, int, bool>? isKept = null)
{
    public RunResult Run(Contender system, double rate) => Run(system, load.At(rate, duration));

    public RunResult Run(Contender system, Workload workload) => Trial.Run(workload, system.Make(), options);

    /// <summary>Share of the requests that arrived whose promise was kept, 0 to 1.</summary>
    public double Kept(RunResult run, Func<Request, bool>? among = null)
    {
        var (kept, all) = (0, 0);
        for (var i = 0; i < run.Log.Count; i++)
        {
            if (run.Log.Arrival[i] < 0 || (among is not null && !among(run.Workload.Requests[i]))) continue;
            all++;
            if (isKept?.Invoke(run, i) ?? Promises.Met(run.Log, run.Workload.Requests[i].Slo, i)) kept++;
        }

        return all == 0 ? 1 : kept / (double)all;
    }

    public double KeptAt(Contender system, double rate) => Kept(Run(system, rate));

    /// <summary>The highest rate at which at least a share of the promises is kept; latencies of the points are shares
    /// broken.</summary>
    /// <param name="start">Where to begin the search [requests/s].</param>
    /// <param name="share">0 to 1.</param>
    public SustainedRate HighestRate(Contender system, double start, double share) =>
        RateSearch.Highest(start, 1 - share, rate => 1 - KeptAt(system, rate));
}
