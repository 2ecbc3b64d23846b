using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Policies.Tests;

/// <summary>What QLM has to do to be QLM, end to end in the simulator on small fleets.</summary>
public sealed class QlmAcceptanceTests
{
    /// <summary>Geometric-like lengths around a mean.</summary>
    private static int[] Lengths(int count, double mean, ulong seed)
    {
        var rng = new Rng(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (int)Math.Max(1, -mean * Math.Log(1 - rng.NextDouble())))];
    }

    // 1. A hundred requests saturate the engine; 500 more come at once. The predictor knows the distribution, not the truth.
    [Fact]
    public void Mean_waits_behind_500_requests_are_predicted_within_5_percent()
    {
        var calibration = Saturated(after: 500).Scheduler.Calibration;

        Assert.InRange(calibration.RelativeBias, -0.05, 0.05);
        Assert.InRange(calibration.RelativeError, 0, 0.05);
        Assert.True(calibration.R2 > 0.98, $"{calibration.R2}");
    }

    // The wait of the last of 300 requests that come at once, over many drawn sequences: its spread is that of their sum.
    [Fact]
    public void The_deviation_of_a_wait_is_that_of_the_sum_ahead()
    {
        const int Ahead = 300;
        var waits = Enumerable.Range(0, 200).Select(s => Burst(Ahead, (ulong)s + 100).Wait(Ahead - 1)).ToArray();
        var mean = waits.Average();
        var deviation = Math.Sqrt(waits.Sum(w => (w - mean) * (w - mean)) / (waits.Length - 1));
        var throughputs = new Throughputs(Fleet());
        throughputs.Observe(new(0), promptTokens: 100, outputTokens: 100);
        var speed = throughputs.Of(new(0), new(0), View());
        var estimate = WaitingTime.Estimate(
            new WorkAhead(Ahead, Ahead * 100 * speed.TokenSeconds, Ahead * 10_000 * speed.TokenSeconds * speed.TokenSeconds, 0),
            new EngineLoad(0, 0, 0), 0, 0);

        // 200 runs know a deviation to within 5 % (one sigma).
        Assert.InRange(deviation / estimate.Deviation, 0.85, 1.15);
    }

    [Fact]
    public void Waits_are_over_estimated_when_free_places_are_not_counted()
    {
        var ahead = new WorkAhead(Requests: 6, Seconds: 6, Variance: 1, LoadSeconds: 0);

        var counted = WaitingTime.Estimate(in ahead, new EngineLoad(FreeSlots: 10, 0, 0), 0, 0);
        var notCounted = WaitingTime.Estimate(in ahead, new EngineLoad(FreeSlots: 0, 0, 0), 0, 0);

        Assert.Equal(0, counted.P90); // Six requests into ten free places: nobody waits.
        Assert.True(notCounted.Mean > counted.Mean);
    }

    // 2.
    [Fact]
    public void Two_models_on_one_engine_swap_once_per_group_and_ten_times_less_than_by_deadline()
    {
        var lengths = Lengths(600, 50, seed: 4);
        var workload = QlmRun.Workload(
            Enumerable.Range(0, 600).Select(i => (QlmRun.Request(i * 0.5, ttft: 3600, model: i % 2), lengths[i])), models: 2);

        var qlm = QlmRun.Of(workload, QlmRun.Fleet(1, 2), new() { GroupCap = 1 });
        var byDeadline = QlmRun.Of(workload, QlmRun.Fleet(1, 2), new() { GroupCap = 0, Searches = false, Residence = 0 });

        Assert.Equal(600, qlm.Finished);
        Assert.InRange(qlm.Counts.Loads, 1, 600 / 16 + 1);
        Assert.True(byDeadline.Counts.Loads >= 10 * qlm.Counts.Loads, $"{byDeadline.Counts.Loads} against {qlm.Counts.Loads}");
    }

    // 3. Eight long batch requests hold every place for 65 s when an interactive one comes.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_interactive_request_behind_a_full_batch_is_in_time_only_with_eviction(bool eviction)
    {
        var run = QlmRun.Of(
            QlmRun.Workload(
            [
                .. Enumerable.Range(0, 40).Select(_ => (QlmRun.Request(0, cap: 3000), 3000)),
                (QlmRun.Request(30, ttft: 20), 20),
            ]),
            QlmRun.Fleet(1, kvTokens: 30_000), new() { Eviction = eviction }, sequencesMax: 8);

        Assert.Equal(41, run.Finished);
        Assert.Equal(eviction, run.Ttft(40) < 20);
        Assert.Equal(eviction ? 1 : 0, run.Counts.Evictions);
        Assert.Equal(41 * 100, run.Result.PrefillTokens); // Nobody prefilled twice.
    }

    /// <summary>Not the paper's: it gives up what is late.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Who_is_late_in_any_case_waits_for_work_that_had_all_night_only_without_rescue(bool rescue)
    {
        var run = QlmRun.Of(
            QlmRun.Workload(
            [
                .. Enumerable.Range(0, 40).Select(_ => (QlmRun.Request(0, cap: 3000), 3000)),
                (QlmRun.Request(30, ttft: 0.01), 20),
            ]),
            QlmRun.Fleet(1, kvTokens: 30_000), new() { Rescue = rescue, Tick = TimeSpan.FromSeconds(0.5) }, sequencesMax: 8);

        Assert.Equal(41, run.Finished);
        Assert.Equal(rescue, run.Ttft(40) < 2);
    }

    // 5.
    [Fact]
    public void Nobody_calls_the_solver_while_everybody_is_in_time()
    {
        var lengths = Lengths(400, 80, seed: 6);
        var run = QlmRun.Of(
            QlmRun.Workload(Enumerable.Range(0, 400).Select(i => (QlmRun.Request(i * 0.05, ttft: 3600), lengths[i]))), QlmRun.Fleet(1));

        Assert.True(run.Counts.Plans > 0);
        Assert.Equal(0, run.Counts.Searches);
    }

    [Fact]
    public void A_new_violation_calls_the_solver_once()
    {
        // One group that cannot be met in time behind long work; the next tick is beyond the run.
        var run = QlmRun.Of(
            QlmRun.Workload(
            [
                .. Enumerable.Range(0, 8).Select(_ => (QlmRun.Request(0, cap: 2000), 2000)),
                .. Enumerable.Range(0, 5).Select(i => (QlmRun.Request(10 + 0.1 * i, ttft: 5), 50)),
            ]),
            QlmRun.Fleet(1, kvTokens: 30_000), new() { Eviction = false, Tick = TimeSpan.FromHours(1) }, sequencesMax: 8);

        Assert.Equal(13, run.Finished);
        Assert.Equal(1, run.Counts.Violations);
        Assert.Equal(1, run.Counts.Searches);
    }

    // 6.
    [Fact]
    public void In_overload_total_tardiness_is_no_more_than_by_deadline_and_everybody_is_served()
    {
        var (searched, sorted) = (0.0, 0.0);
        for (var seed = 0UL; seed < 5; seed++)
        {
            var (rng, lengths) = (new Rng(seed), Lengths(800, 100, seed + 50));
            var workload = QlmRun.Workload(Enumerable.Range(0, 800).Select(
                i => (QlmRun.Request(i * 0.02, ttft: rng.Next(3) == 0 ? 2 : 20), lengths[i])));
            var qlm = QlmRun.Of(workload, QlmRun.Fleet(2));
            var byDeadline = QlmRun.Of(workload, QlmRun.Fleet(2), new() { Searches = false });

            Assert.Equal(800, qlm.Finished);
            searched += qlm.Tardiness;
            sorted += byDeadline.Tardiness;
        }

        Assert.True(searched <= sorted, $"{searched:F0} s against {sorted:F0} s");
        Assert.True(sorted > 800, "No overload.");
    }

    // 7.
    [Fact]
    public void A_request_that_comes_just_after_its_group_drained_is_served()
    {
        for (var gap = 0; gap < 40; gap++)
        {
            var run = QlmRun.Of(
                QlmRun.Workload([(QlmRun.Request(0, 20), 5), (QlmRun.Request(gap * 0.005, 20), 5), (QlmRun.Request(gap * 0.01, 20), 5)]),
                QlmRun.Fleet(1), sequencesMax: 1);

            Assert.Equal(3, run.Finished);
        }
    }

    private static QlmRun Saturated(int after, ulong seed = 3)
    {
        var lengths = Lengths(100 + after, 100, seed);
        return QlmRun.Of(
            QlmRun.Workload(
                Enumerable.Range(0, 100 + after).Select(i => (QlmRun.Request(i < 100 ? i * 0.05 : 10, cap: 400), lengths[i]))),
            QlmRun.Fleet(1), lengths: _ => new KnownDistribution(100, 10_000));
    }

    private static QlmRun Burst(int count, ulong seed)
    {
        var lengths = Lengths(count, 100, seed);
        return QlmRun.Of(
            QlmRun.Workload(Enumerable.Range(0, count).Select(i => (QlmRun.Request(0, cap: 400), lengths[i]))), QlmRun.Fleet(1),
            lengths: _ => new KnownDistribution(100, 10_000));
    }

    private static FleetInfo Fleet()
    {
        FleetInfo? fleet = null;
        var system = new ServingSystem
        {
            Name = "probe", Iteration = static _ => new RunningFirst(new()),
            Policies = c =>
            {
                fleet = c.Fleet;
                return new PolicySet(new AcceptAll(), new LearnedLength(), new RoutedQueue(new LeastOutstanding()));
            },
        };
        _ = new Simulator(
            QlmRun.Workload([(QlmRun.Request(0), 1)]), system, new() { Engines = QlmRun.Fleet(1), Limits = new(SequencesMax: 16) });
        return fleet!;
    }

    private static ClusterView View() => new(default, new EngineSnapshot[] { new() { OutstandingMax = int.MaxValue } }, 0);

    private sealed class KnownDistribution(double mean, double variance) : ILengthPredictor
    {
        public TokenEstimate Predict(Request request) => new(mean, variance);
        public void Observe(Request request, int outputTokens) { }
    }
}
