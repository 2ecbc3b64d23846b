using System.Globalization;
using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Policies.Tests;

/// <summary>Every accepted request ends exactly once, whatever fails: the simulator checks that nothing ends twice and that
/// nothing is left; here worlds are made up to break it. Set SLUICE_SEEDS for more of them.</summary>
public sealed class QlmConservationTests
{
    private static readonly int s_seeds = int.Parse(
        Environment.GetEnvironmentVariable("SLUICE_SEEDS") ?? "1000", CultureInfo.InvariantCulture);

    [Fact]
    public void Every_request_ends_exactly_once_under_losses_cancellations_evictions_and_loads()
    {
        var (evictions, loads) = (0L, 0L);
        for (var seed = 1; seed <= s_seeds; seed++)
        {
            try
            {
                var run = World((ulong)seed);
                Assert.DoesNotContain(Outcome.Unfinished, run.Log.Outcome);
                (evictions, loads) = (evictions + run.Counts.Evictions, loads + run.Counts.Loads);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}: {e.Message}", e);
            }
        }

        Assert.True(evictions > s_seeds / 10 && loads > s_seeds / 10, $"{evictions} evictions, {loads} loads: too tame");
    }

    [Theory]
    [InlineData(3620)] // A variance below zero by rounding.
    public void Seeds_that_failed_once_hold(int seed) =>
        Assert.DoesNotContain(Outcome.Unfinished, World((ulong)seed).Log.Outcome);

    [Fact]
    public void Equal_seeds_give_equal_runs()
    {
        for (var seed = 1UL; seed <= 50; seed++)
            Assert.Equal(World(seed).Result.Fingerprint, World(seed).Result.Fingerprint);
    }

    private static QlmRun World(ulong seed)
    {
        var rng = new Rng(seed);
        var (models, engines, requests) = (1 + rng.Next(3), 1 + rng.Next(3), 20 + rng.Next(60));
        var seconds = 5 + rng.Next(40);
        var all = new (Request, int)[requests];
        for (var i = 0; i < requests; i++)
        {
            var output = 1 + rng.Next(rng.Next(4) == 0 ? 1500 : 60);
            var ttft = rng.Next(3) switch { 0 => 0.2 + rng.NextDouble() * 5, 1 => 60, _ => double.PositiveInfinity };
            all[i] = (QlmRun.Request(rng.NextDouble() * seconds, ttft, 1 + rng.Next(600), output + rng.Next(1000), rng.Next(models)), output);
        }

        var faults = new List<Fault>();
        for (var i = 0; i < requests / 4; i++)
            faults.Add(new(Instant.FromSeconds(rng.NextDouble() * seconds * 2), FaultKind.Cancel, rng.Next(requests)));
        for (var i = 0; i < rng.Next(5); i++)
        {
            var (engine, at) = (rng.Next(engines), rng.NextDouble() * seconds * 2);
            faults.Add(new(Instant.FromSeconds(at), FaultKind.LoseEngine, engine));
            if (rng.Next(5) > 0) faults.Add(new(Instant.FromSeconds(at + rng.NextDouble() * 10), FaultKind.JoinEngine, engine));
        }

        var dice = rng.Fork("loads");
        for (var left = dice.Next(2) == 0 ? 0 : dice.Next(12); left > 0; left--)
            faults.Add(new(Instant.FromSeconds(dice.NextDouble() * seconds * 2), FaultKind.FailLoad, dice.Next(engines)));

        var options = new QlmOptions
        {
            Pulling = rng.Next(8) > 0, Eviction = rng.Next(8) > 0, Swapping = rng.Next(8) > 0, Balancing = rng.Next(8) > 0,
            Searches = rng.Next(4) > 0, GroupCap = rng.NextDouble() * 4, Residence = rng.Next(3) * 2, PinInteractive = rng.Next(8) == 0,
            SolverMoves = rng.Next(500), Tick = TimeSpan.FromSeconds(0.5 + rng.NextDouble() * 5), Rescue = rng.Next(2) == 0,
        };
        if (seed % 3 == 0)
            options = options with { Prompts = TimeSpan.FromSeconds(0.05 + seed % 7 / 5.0), Keep = TimeSpan.FromSeconds(20) };
        return QlmRun.Of(
            QlmRun.Workload(all, models), QlmRun.Fleet(engines, models, 2500 + rng.Next(4000)), options, 1 + rng.Next(12),
            loadSeconds: 0.5 + rng.NextDouble() * 3, faults: [.. faults.OrderBy(f => f.At.Ticks)],
            lengths: rng.Next(2) == 0 ? _ => new LearnedLength() : null, hostKvShare: rng.Next(3));
    }
}
