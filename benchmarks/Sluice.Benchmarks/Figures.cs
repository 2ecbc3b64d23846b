using System.Diagnostics;
using Sluice.Core;
using Sluice.Policies;
using Sluice.Simulation;

namespace Sluice.Benchmarks;

/// <summary>One line of the table.</summary>
public sealed record Figure(string What, Func<int, (string Value, string Wanted)> Measure);

/// <summary>The simulator's figures of merit.</summary>
public static class Figures
{
    private static readonly EngineProfile s_profile = ProfileCatalog.Find("llama-3.1-8b@a100");

    /// <param name="trace">Azure conversation trace; a generated one of the same lengths when null.</param>
    public static IEnumerable<Figure> All(string? trace)
    {
        const int million = 1_000_000;
        var p2 = Generated($"poisson:rate=8,n={million},prompt=512,output=128");
        var single = 0.0;
        yield return new("bare loop of the same arithmetic, P2 at 8/s [requests/s]", runs =>
        {
            long[] arrivals = [.. p2.Requests.Select(r => r.Arrival.Ticks)];
            return (PerSecond(million, Median(runs, () => BareLoop.Run(arrivals, 512, 128, 512))), "");
        });
        yield return new("P2's shape at 8/s, 1,000,000 requests, vllm-v1 [requests/s]", runs =>
        {
            single = Median(runs, () => Run("vllm-v1", p2));
            return (PerSecond(million, single), "500,000");
        });
        yield return new("the same, every step taken singly [requests/s]", runs =>
            (PerSecond(million, Median(runs, () => Run("vllm-v1", p2, skip: false))), ""));
        yield return new("8 engines at 64/s, cost per request against one engine", runs =>
        {
            var eight = Generated($"poisson:rate=64,n={million},prompt=512,output=128");
            return ($"{Median(runs, () => Run("vllm-v1", eight, engines: 8)) / single:0.00} x", "1.3 x");
        });
        yield return new("Azure conversation trace, one engine [requests/s]", runs =>
        {
            var azure = trace is null
                ? Generated("poisson:rate=5.53,n=19366,lengths=azure-conv")
                : WorkloadSource.FromTrace(trace, TraceFormat.Auto, new());
            return (PerSecond(azure.Requests.Length, Median(Math.Max(runs, 11), () => Run("vllm-v1", azure, budget: 2048))), "200,000");
        });
        foreach (var (batch, wanted) in ((int, string)[])[(3, "1,000,000 steps/s"), (128, "2,920 ns/step")])
        {
            yield return new($"srpt, reordering every step, batch {batch}", runs =>
            {
                const int steps = 100_000;
                var long_ = Generated($"constant:rate=1000000,n={batch},prompt=16,output={steps}");
                var seconds = Median(runs, () => Run("srpt", long_, skip: false, kvTokens: 100_000_000));
                return ($"{steps / seconds:#,##0} steps/s, {seconds / steps * 1e9:0} ns/step", wanted);
            });
        }

        yield return new("bytes allocated per event once warm", _ => ($"{BytesPerEvent(p2):0.####}", "0"));
        yield return new("peak memory of this process, 1,000,000 requests [MB]", _ =>
        {
            using var process = Process.GetCurrentProcess();
            return ($"{process.PeakWorkingSet64 / 1e6:#,##0}", "1,074");
        });
    }

    private static Workload Generated(string spec) => WorkloadSource.FromSpec(spec, new Rng(42));

    private static void Run(
        string system, Workload workload, bool skip = true, int engines = 1, int budget = 512, int? kvTokens = null) =>
        Make(system, workload, skip, engines, budget, kvTokens).Run();

    private static Simulator Make(
        string system, Workload workload, bool skip = true, int engines = 1, int budget = 512, int? kvTokens = null) =>
        new(workload, Catalog.Make(system, PolicySettings.None), new SimulationOptions
        {
            Engines = [.. Enumerable.Repeat<EngineSetup>(s_profile, engines)],
            Limits = new EngineLimits(budget, 128, skip),
            KvTokens = kvTokens,
        });

    private static double BytesPerEvent(Workload workload)
    {
        const int events = 1_000_000;
        var simulator = Make("vllm-v1", workload);
        simulator.Run(events);
        var before = GC.GetAllocatedBytesForCurrentThread();
        simulator.Run(events);
        return (GC.GetAllocatedBytesForCurrentThread() - before) / (double)events;
    }

    private static double Median(int runs, Action action)
    {
        action();
        var seconds = new double[runs];
        for (var i = 0; i < runs; i++)
        {
            GC.Collect();
            var clock = Stopwatch.StartNew();
            action();
            seconds[i] = clock.Elapsed.TotalSeconds;
        }

        Array.Sort(seconds);
        return seconds[runs / 2];
    }

    private static string PerSecond(int count, double seconds) => $"{count / seconds:#,##0}";
}
