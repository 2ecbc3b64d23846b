using Sluice.Core;
using Sluice.Policies;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>A system as the paper names it, and what it is here.</summary>
internal sealed record QlmSystem(string Name, string System, params string[] Settings)
{
    public static QlmSystem Qlm { get; } = new("QLM", "qlm");
    public static QlmSystem Edf { get; } = new("EDF", "edf-swap");
    public static QlmSystem Shepherd { get; } = new("SHEPHERD", "shepherd");

    /// <summary>First come, first served on every engine, behind a load balancer.</summary>
    public static QlmSystem Vllm { get; } = new("vLLM", "vllm-v1");

    /// <summary>The same where engines have to load the models that their queues ask for.</summary>
    public static QlmSystem SwappingVllm { get; } = new("vLLM", "fcfs-swap");

    public static IReadOnlyList<QlmSystem> OfOneModel { get; } = [Qlm, Edf, Shepherd, Vllm];
    public static IReadOnlyList<QlmSystem> OfManyModels { get; } = [Qlm, Edf, Shepherd, SwappingVllm];

    public ServingSystem Make() =>
        Catalog.Make(System, new(Settings.Select(s => s.Split('=')).ToDictionary(s => s[0], s => s[1])));

    public override string ToString() => $"{Name} is {string.Join(' ', Settings.Prepend(System))}";
}

/// <summary>The figures read from one run.</summary>
internal sealed record QlmRun
{
    private QlmRun()
    {
    }

    /// <summary>Of all requests.</summary>
    public required double Attainment { get; init; }

    public required IReadOnlyList<GroupSummary> Classes { get; init; }
    private IReadOnlyDictionary<string, double> AttainmentOf { get; init; } = new Dictionary<string, double>();

    /// <summary>Requests finished per second, from the first arrival to the last token of all.</summary>
    public required double RequestsPerSecond { get; init; }

    public required double LoadsPerThousand { get; init; }
    public required double EvictionsPerThousand { get; init; }

    /// <summary>Prompt tokens computed over those of the prompts.</summary>
    public required double PrefillShare { get; init; }
    public required long Failed { get; init; }

    /// <summary>What the scheduler keeps beyond the run, such as its counters.</summary>
    public required PlanClock Plans { get; init; }

    public static QlmRun Of(QlmSystem system, Workload load, SimulationOptions options)
    {
        var made = system.Make();
        var clock = new PlanClock();
        var run = Trial.Run(load, made with { Policies = c => clock.Watch(made.Policies(c)) }, options);
        var summary = RunSummary.Of(run);
        var thousands = load.Requests.Length / 1000.0;
        return new()
        {
            Attainment = summary.All.SloAttainment,
            Classes = summary.Classes,
            AttainmentOf = summary.Classes.ToDictionary(c => c.Name, c => c.SloAttainment),
            RequestsPerSecond = summary.RequestsPerSecond,
            LoadsPerThousand = run.ModelLoads / thousands,
            EvictionsPerThousand = run.Evictions / thousands,
            PrefillShare = run.PrefillTokens / (double)load.Requests.Sum(r => (long)r.PromptTokens),
            Failed = summary.All.Failed,
            Plans = clock,
        };
    }

    /// <summary>Attainment of a class: 0 to 1.</summary>
    public double Of(string className) => AttainmentOf[className];

    /// <summary>The mean of runs that differ in their random draws alone; percentiles and plans are the first one's.</summary>
    public static QlmRun MeanOf(IReadOnlyList<QlmRun> runs) => runs[0] with
    {
        Attainment = runs.Average(r => r.Attainment),
        AttainmentOf = runs[0].AttainmentOf.Keys.ToDictionary(name => name, name => runs.Average(r => r.AttainmentOf[name])),
        RequestsPerSecond = runs.Average(r => r.RequestsPerSecond),
        LoadsPerThousand = runs.Average(r => r.LoadsPerThousand),
        EvictionsPerThousand = runs.Average(r => r.EvictionsPerThousand),
        PrefillShare = runs.Average(r => r.PrefillShare),
        Failed = (long)runs.Average(r => r.Failed),
    };
}
