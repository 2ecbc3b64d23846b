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

    /// <summary>Finds what is wrong with a spec before a long workload is read or a folder made.</summary>
    /// <exception cref="InputException">A value cannot be used.</exception>
    public static void Check(RunSpec spec)
    {
        Catalog.Make(spec.System, new PolicySettings(spec.Set));
        Fleet.Of(spec);
        PatienceOf(spec);
        if (spec.Slo is { } slo) At($"--slo {slo}", "'sluice workloads' shows the form", () => SloMix.Parse(slo));
        At("--format", "", () => TraceFormats.Parse(spec.Format));
        if (spec.Trace is not null) return;
        if (spec.Format != "auto")
            throw new InputException($"--format {spec.Format}: says how to read a trace; expected --trace FILE beside it.");
        if (spec.Arrivals is { } arrivals)
            throw new InputException($"--arrivals {arrivals}: replaces the arrivals of a trace; expected --trace FILE beside it.");
    }

    /// <exception cref="InputException">The workload cannot be used.</exception>
    public static Workload LoadWorkload(RunSpec spec)
    {
        var rng = new Rng(spec.Seed);
        var workload = spec.Trace is { } path ? FromTrace(spec, path, rng) : FromSpec(spec, rng);
        workload = At(FormattableString.Invariant($"--window {spec.Window}"), "", () => workload.Window(spec.Window, rng.Fork("window")));
        return spec.Slo is { } slo ? At("--slo", "", () => SloMix.Parse(slo).Apply(workload, rng.Fork("slo"))) : workload;
    }

    /// <summary>As above, and gives up at once on Ctrl-C: whatever still reads dies with the process.</summary>
    public static Workload LoadWorkload(RunSpec spec, CancellationToken stop)
    {
        var loading = Task.Run(() => LoadWorkload(spec), stop);
        loading.Wait(stop);
        return loading.Result;
    }

    private static Workload FromTrace(RunSpec spec, string path, Rng rng) =>
        WorkloadSource.FromTrace(path, TraceFormats.Parse(spec.Format), new TraceOptions
        {
            Take = spec.Take ?? int.MaxValue,
            RateScale = spec.Scale,
            Arrivals = spec.Arrivals,
            KvBlockTokens = spec.BlockTokens,
            WithPrefixes = UsesPrefixes(spec),
            WithModels = spec.Models is not null,
            Rng = rng.Fork("arrivals"),
        });

    private static Workload FromSpec(RunSpec spec, Rng rng)
    {
        var workload = At(
            "--workload", "'sluice workloads' lists kinds and keys",
            () => WorkloadSource.FromSpec(spec.Workload ?? RunSpec.UsualWorkload, rng.Fork("workload")));
        return workload.Cut(spec.Take, spec.Scale);
    }

    /// <param name="progress">Told the share done, 0 to 1, a few times a second.</param>
    /// <param name="decisions">Meters the system's decisions, if somebody wants to know.</param>
    public static RunResult Run(RunSpec spec, Workload workload, Action<double>? progress = null, DecisionMeter? decisions = null)
    {
        var options = new SimulationOptions
        {
            Engines = spec.Models is { } models ? ModelFleet.Of(models, spec, workload) : Fleet.Of(spec),
            Limits = new EngineLimits(spec.TokenBudget, spec.MaxSeqs),
            OutstandingMax = spec.OutstandingMax ?? int.MaxValue,
            BlockTokens = spec.BlockTokens,
            KvTokens = spec.KvTokens,
            Seed = spec.Seed,
            Patience = PatienceOf(spec),
            Reader = new() { TokensPerSecond = spec.ReaderPace, IdlePenalty = spec.IdlePenalty },
        };

        var system = Catalog.Make(spec.System, new PolicySettings(spec.Set));
        var simulator = new Simulator(workload, decisions?.Watch(system) ?? system, options);
        var clock = Stopwatch.StartNew();
        while (simulator.Run(EventsPerSlice)) progress?.Invoke(simulator.Ended / (double)workload.Requests.Length);
        return simulator.Result(clock.Elapsed, spec.ToSettings());
    }

    /// <summary>Says which flag a complaint is about, and where to read more.</summary>
    private static T At<T>(string flag, string more, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InputException e)
        {
            throw new InputException($"{flag}: {e.Message}{(more.Length > 0 ? $"; {more}" : "")}");
        }
    }

    private static TimeSpan? PatienceOf(RunSpec spec)
    {
        if (spec.Patience is not { } text) return null;
        return DurationText.TryParse(text, out var patience) && patience > TimeSpan.Zero
            ? patience
            : throw new InputException($"--patience {text}: expected a duration such as 2s, 500ms or 1m.");
    }

    /// <summary>What the seed draws of a workload, for who reads intervals over seeds.</summary>
    public static string VariesBySeed(RunSpec spec)
    {
        var isRecorded = spec.Trace is not null || (spec.Workload ?? RunSpec.UsualWorkload) == SampleTrace.Name;
        var share = FormattableString.Invariant($"{spec.Window * 100:0.###} %");
        if (!isRecorded) return "Each seed draws all of the workload anew.";
        if (spec.Window < 1)
            return $"Each seed draws another {share} of the recorded time, besides classes and what policies draw. Such windows overlap, "
                + "so intervals are narrower than those of other days would be.";
        return spec.Arrivals is not null
            ? "Each seed draws arrivals, classes and what policies draw; lengths are the trace's, in its order."
            : "Seeds draw classes and what policies draw, and nothing of the recorded arrivals and lengths: intervals say nothing about "
            + "other traffic. --window 0.5 has each seed draw another half of the recorded time.";
    }

    /// <summary>Whether anything in the system looks at prompt hashes; reading them costs memory.</summary>
    public static bool UsesPrefixes(RunSpec spec) =>
        spec.Set.GetValueOrDefault("kv") == "prefix-cache" || spec.Set.GetValueOrDefault("router") == "prefix-affinity";
}
