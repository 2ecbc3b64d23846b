using System.Diagnostics;
using System.Globalization;
using Sluice.Core;
using Sluice.Policies;
using Sluice.Simulation;

namespace Sluice.Benchmarks;

/// <summary>What a decision costs under load: a full batch, and eight times as many waiting, always.</summary>
/// <remarks>A closed loop: whoever is answered is followed by another at once, so that 128 run and 1,000 wait at every step,
/// in the engine, or in front of it for systems that keep their own queue there. Every step is composed.</remarks>
public static class DecisionFigures
{
    private const int Batch = 128;
    private const int Waiting = 1000;
    private const int WarmAnswers = 4000;
    private const int StepsMeasured = 3000;

    /// <summary>Chains as long as a run can need.</summary>
    private const int Stages = 12;

    private const string Promises = "chat:0.5,ttft=1s,tpot=100ms;agent:0.3,e2e=20s;batch:0.2,e2e=5m";

    private static readonly EngineProfile s_profile = ProfileCatalog.Find("llama-3.1-8b@a100");

    /// <param name="only">A system; null for all.</param>
    public static void Print(int runs, string? only)
    {
        Console.WriteLine($"# What decisions cost\n\n{Machine.Describe()}; least of {runs} runs, one thread. {Batch} run, {Waiting:#,##0} wait,");
        Console.WriteLine($"{s_profile.Name}, prompts and answers as in the Azure conversation trace, three classes.\n");
        Console.WriteLine("| system | decisions [µs/step] | step simulated [ms] | share of the step | bytes/step |\n|---|---:|---:|---:|---:|");
        var load = Load();
        foreach (var entry in Catalog.Entries.Where(e => only is null || e.Name == only))
        {
            var (ticks, milliseconds) = (double.PositiveInfinity, 0.0);
            for (var run = 0; run < runs; run++)
            {
                var (perStep, step) = Measure(entry, load, Stopwatch.GetTimestamp);
                if (perStep < ticks) (ticks, milliseconds) = (perStep, step);
            }

            var microseconds = ticks * 1e6 / Stopwatch.Frequency;
            var (bytes, _) = Measure(entry, load, GC.GetAllocatedBytesForCurrentThread);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {entry.Name} | {microseconds:0.00} | {milliseconds:0.0} | {microseconds / milliseconds / 1000:0.00 %} | {bytes:0.##} |"));
        }
    }

    private static (double PerStep, double StepMilliseconds) Measure(CatalogEntry entry, Workload load, Func<long> read)
    {
        var keepsQueue = entry.Stages.Contains("global scheduling", StringComparison.Ordinal);
        var meter = new DecisionMeter(read);
        var simulator = new Simulator(load, meter.Watch(Catalog.Make(entry.Name, PolicySettings.None)), new SimulationOptions
        {
            Engines = [s_profile],
            Limits = new EngineLimits(2048, Batch, SkipStableSteps: false),
            OutstandingMax = keepsQueue ? Batch : int.MaxValue,
        });
        while (simulator.Ended < WarmAnswers && simulator.Run(events: 16))
        {
        }

        GC.Collect();
        var (now, watch) = (new LastInstant(), meter.Steps);
        simulator.Observer = now;
        simulator.Run(events: 16);
        var began = now.At;
        meter.Reset();
        while (meter.Steps < StepsMeasured && simulator.Run(events: 16))
        {
        }

        Check.That(watch > 0);
        return (meter.PerStep, (now.At - began).TotalMilliseconds / meter.Steps);
    }

    private static Workload Load()
    {
        const int all = (Batch + Waiting) * Stages;
        var drawn = WorkloadSource.FromSpec($"constant:rate=1000000,n={all},lengths=azure-conv", new Rng(42));
        drawn = SloMix.Parse(Promises).Apply(drawn, new Rng(42));
        var followUps = new Dictionary<int, FollowUp[]>();
        for (var i = 0; i + Batch + Waiting < all; i++) followUps[i] = [new(i + Batch + Waiting, TimeSpan.Zero)];
        return drawn with
        {
            Requests = [.. drawn.Requests.Select((r, i) => i < Batch + Waiting ? r : r with { Arrival = Instant.Never })],
            FollowUps = followUps,
        };
    }

    private sealed class LastInstant : IEventSink
    {
        public Instant At { get; private set; }

        public void Emit(in SluiceEvent e) => At = e.At;
    }
}
