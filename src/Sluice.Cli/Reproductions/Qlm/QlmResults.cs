using System.Globalization;
using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>All that is measured, before it is compared or drawn. Properties are there once the context has run.</summary>
internal sealed class QlmResults
{
    /// <summary>Arrival rates, as multiples of what the fleet sustains.</summary>
    public IReadOnlyList<double> Loads { get; } = [0.5, 1, Overload, 2, 3, 4, 6, 8];

    /// <summary>The same for many models, where a plan costs most.</summary>
    public IReadOnlyList<double> LoadsOfMany { get; } = [1, Overload, 2];

    /// <summary>Where one setting at a time is changed: half more than the fleet sustains, so that a queue builds.</summary>
    public const double Overload = 1.5;

    /// <summary>QLM as it is, and without each of its operations.</summary>
    public static IReadOnlyList<QlmSystem> Ablation { get; } =
    [
        QlmSystem.Qlm,
        new("without pulling", "qlm", "pulling=off"),
        new("without eviction", "qlm", "eviction=off"),
        new("without balancing", "qlm", "balancing=off"),
        new("without swapping", "qlm", "swapping=off"),
        new("EDF for the search", "qlm", "planner=edf"),
    ];

    /// <summary>How long a model stays while requests wait for it.</summary>
    public static IReadOnlyList<QlmSystem> Stays { get; } =
    [
        new("no stay", "qlm", "residence=0"),
        new("stay of 10 loads", "qlm", "residence=10"),
    ];

    public IReadOnlyList<double> GroupCaps { get; }

    /// <summary>Requests queued at once.</summary>
    public IReadOnlyList<int> QueueLengths { get; }

    /// <summary>Share of A10 among the devices.</summary>
    public IReadOnlyList<double> A10Shares { get; }

    private readonly Dictionary<(string Traffic, string System, double Load), Draws> _sweep = [];
    private readonly Dictionary<(string Traffic, string System), Draws> _ablation = [];
    private readonly Dictionary<(string Traffic, double Cap), Job<QlmRun>> _caps = [];
    private readonly Dictionary<(string System, double Share), Job<QlmRun>> _mixes = [];
    private readonly Dictionary<int, Job<QlmRun>> _queues = [];

    /// <param name="requestsPerTrace">The paper's 3,500; fewer to see the form of the results alone.</param>
    public QlmResults(ReproductionContext context, int requestsPerTrace = QlmFleet.RequestsPerTrace)
    {
        // At so many traces a run is its own mean.
        DrawsOfMany = context.IsSmall ? 3 : 1;
        Fleet = context.IsSmall ? QlmFleet.Small : QlmFleet.Paper;
        GroupCaps = context.IsSmall ? [0.03, 0.125, 0.5, 1, 2, 4, 8, 16] : [0.125, 4, 16];
        QueueLengths = context.IsSmall ? [1000, 2000, 3500] : [1000, 3500];
        A10Shares = context.IsSmall ? [0, 0.25, 0.5, 0.75, 1] : [0, 0.5, 1];
        Traffic = new(Fleet.Traces * requestsPerTrace, context.Seed);
        var (prompt, output) = (Traffic.PromptTokensMean, Traffic.OutputTokensMean);
        RateA = Fleet.OneModelRate(prompt, output);
        RateB = Fleet.WithQuads.AllModelsRate(prompt, output);
        RateC = Fleet.OneModelRate(Traffic.MegaPromptTokensMean, output);

        // The longest jobs first.
        Workload[] many = [Traffic.B, .. Enumerable.Range(1, DrawsOfMany - 1).Select(
            i => new QlmTraffic(Fleet.Traces * requestsPerTrace, context.Seed + (ulong)i).B)];
        foreach (var system in QlmSystem.OfManyModels)
            foreach (var load in LoadsOfMany) _sweep.Add(("W_B", system.Name, load), Many(system, load));
        foreach (var system in Stays.Concat(Ablation)) _ablation.Add(("W_B", system.Name), Many(system, Overload));
        foreach (var system in Ablation)
        {
            _ablation.Add(("W_A", system.Name), new([Later(system, Traffic.A, RateA * Overload, Fleet.OneModel)]));
            _ablation.Add(("W_C", system.Name), new([Later(system, Traffic.C, RateC * Overload, Fleet.OneModel)]));
        }

        foreach (var cap in GroupCaps)
        {
            var capped = new QlmSystem("QLM", "qlm", string.Create(CultureInfo.InvariantCulture, $"group-cap={cap}"));
            _caps.Add(("W_A", cap), Later(capped, Traffic.A, RateA * Overload, Fleet.OneModel));
            _caps.Add(("W_C", cap), Later(capped, Traffic.C, RateC * Overload, Fleet.OneModel));
        }

        foreach (var system in QlmSystem.OfOneModel)
        {
            AddSweep("W_A", system, Traffic.A, RateA, Fleet.OneModel);
            AddSweep("W_C", system, Traffic.C, RateC, Fleet.OneModel);
            foreach (var share in A10Shares)
            {
                var mix = Mix(share);
                _mixes.Add((system.Name, share), Later(system, Traffic.A, mix.OneModelRate(prompt, output) * Overload, mix.OneModel));
            }
        }

        foreach (var system in (QlmSystem[])[QlmSystem.Qlm, QlmSystem.Vllm])
            foreach (var load in Loads)
                _sweep.Add(("one class", system.Name, load), new([Later(
                    system, Traffic.OneClass, Mix(0).OneModelRate(prompt, output) * load, Mix(0).OneModel)]));
        _ablation.Add(("one class", Ablation[^1].Name), new([Later(
            Ablation[^1], Traffic.OneClass, Mix(0).OneModelRate(prompt, output) * Overload, Mix(0).OneModel)]));
        foreach (var length in QueueLengths)
            _queues.Add(length, context.Later(
                () => QlmRun.Of(QlmSystem.Qlm, Traffic.A.Cut(length * Fleet.Traces, 1000 * RateA), Fleet.OneModel)));
        Estimates = new(context, requestsPerTrace);
        context.RunAll();

        void AddSweep(string name, QlmSystem system, Workload unit, double rate, SimulationOptions options)
        {
            foreach (var load in LoadsOf(name)) _sweep.Add((name, system.Name, load), new([Later(system, unit, rate * load, options)]));
        }

        Draws Many(QlmSystem system, double load) =>
            new([.. many.Select(unit => Later(system, unit, RateB * load, Fleet.WithQuads.AllModels))]);

        Job<QlmRun> Later(QlmSystem system, Workload unit, double rate, SimulationOptions options) =>
            context.Later(() => QlmRun.Of(system, unit.Cut(null, rate), options));
    }

    public QlmFleet Fleet { get; }

    /// <summary>Independent draws of W_B's requests, whose results are averaged: throughput moves by a tenth between
    /// them.</summary>
    public int DrawsOfMany { get; }
    public QlmTraffic Traffic { get; }
    public QlmEstimates Estimates { get; }

    /// <summary>Requests per second that the fleet sustains at mean lengths, for each workload.</summary>
    public double RateA { get; }
    public double RateB { get; }
    public double RateC { get; }

    public IReadOnlyList<double> LoadsOf(string traffic) => traffic == "W_B" ? LoadsOfMany : Loads;

    public QlmRun Run(string traffic, QlmSystem system, double load) => _sweep[(traffic, system.Name, load)].Mean;

    public QlmRun Without(string traffic, QlmSystem system) => _ablation[(traffic, system.Name)].Mean;

    public QlmRun Capped(string traffic, double cap) => _caps[(traffic, cap)].Result;

    public QlmRun Mixed(QlmSystem system, double a10Share) => _mixes[(system.Name, a10Share)].Result;

    /// <summary>Everything arrives within a thousandth of the time it takes to serve it.</summary>
    public QlmRun Queued(int length) => _queues[length].Result;

    /// <summary>The devices of the one-model fleet, in another mix.</summary>
    public QlmFleet Mix(double a10Share)
    {
        var devices = Math.Max(4, Fleet.A10s + Fleet.A100s);
        var a10s = (int)Math.Round(devices * a10Share);
        return Fleet with { A10s = a10s, A100s = devices - a10s, Quads = 0 };
    }

    /// <summary>One figure's runs, which differ in their random draws.</summary>
    private sealed record Draws(IReadOnlyList<Job<QlmRun>> Jobs)
    {
        public QlmRun Mean => QlmRun.MeanOf([.. Jobs.Select(j => j.Result)]);
    }

    /// <summary>The load at which attainment falls through a level, between two loads of the sweep.</summary>
    public double FallsAt(string traffic, QlmSystem system, double level)
    {
        for (var i = 0; i < Loads.Count; i++)
        {
            var now = Run(traffic, system, Loads[i]).Attainment;
            if (now >= level) continue;
            if (i == 0) return Loads[0];
            var before = Run(traffic, system, Loads[i - 1]).Attainment;
            return Loads[i - 1] + (Loads[i] - Loads[i - 1]) * (before - level) / (before - now);
        }

        return Loads[^1];
    }
}
