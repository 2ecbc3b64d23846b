using System.Diagnostics;
using Sluice.Core;
using Sluice.Policies;
using Sluice.Simulation;
using TraceOptions = Sluice.Simulation.TraceOptions;

namespace Sluice.Cli;

/// <summary>Turns a spec into a result: reads or makes the workload, builds the fleet, runs it.</summary>
public static class Runner
{
    /// <summary>Events between two looks at the clock.</summary>
    private const int EventsPerSlice = 1 << 14;

    /// <exception cref="InputException">The workload cannot be used.</exception>
    public static Workload LoadWorkload(RunSpec spec)
    {
        var rng = new Rng(spec.Seed);
        var workload = spec.Trace is { } path
            ? WorkloadSource.FromTrace(path, TraceFormats.Parse(spec.Format), new TraceOptions
            {
                Take = spec.Take ?? int.MaxValue,
                RateScale = spec.Scale,
                Arrivals = spec.Arrivals,
                KvBlockTokens = spec.BlockTokens,
                WithPrefixes = UsesPrefixes(spec),
                WithModels = false,
                Rng = rng.Fork("arrivals"),
            })
            : WorkloadSource.FromSpec(spec.Workload, rng.Fork("workload")).Cut(spec.Take, spec.Scale);
        return spec.Slo is null ? workload : SloMix.Parse(spec.Slo).Apply(workload, rng.Fork("slo"));
    }

    /// <param name="progress">Told the share done, 0 to 1, a few times a second.</param>
    public static RunResult Run(RunSpec spec, Workload workload, Action<double>? progress = null)
    {
        var profile = ProfileCatalog.Find(spec.Profile);
        var system = Catalog.Make(spec.System, new PolicySettings(spec.Set));
        var options = new SimulationOptions
        {
            Engines = [.. Enumerable.Repeat<EngineSetup>(profile, spec.Engines)],
            Limits = new EngineLimits(spec.TokenBudget, spec.MaxSeqs),
            OutstandingMax = spec.OutstandingMax ?? int.MaxValue,
            BlockTokens = spec.BlockTokens,
            KvTokens = spec.KvTokens,
            Seed = spec.Seed,
            Patience = PatienceOf(spec),
        };

        var simulator = new Simulator(workload, system, options);
        var clock = Stopwatch.StartNew();
        while (simulator.Run(EventsPerSlice)) progress?.Invoke(simulator.Ended / (double)workload.Requests.Length);
        return simulator.Result(clock.Elapsed, spec.ToSettings());
    }

    private static TimeSpan? PatienceOf(RunSpec spec)
    {
        if (spec.Patience is not { } text) return null;
        return DurationText.TryParse(text, out var patience) && patience > TimeSpan.Zero
            ? patience
            : throw new InputException($"--patience {text}: expected a duration such as 2s, 500ms or 1m.");
    }

    /// <summary>Whether anything in the system looks at prompt hashes; reading them costs memory.</summary>
    public static bool UsesPrefixes(RunSpec spec) =>
        spec.Set.GetValueOrDefault("kv") == "prefix-cache" || spec.Set.GetValueOrDefault("router") == "prefix-affinity";
}
