using Sluice.Core;

namespace Sluice.Simulation.Tests;

/// <summary>Whatever goes wrong, every request that arrived ends exactly once and gives everything back.</summary>
/// <remarks>More cases: see <see cref="Cases"/>.</remarks>
public sealed class ConservationTests
{
    [Fact]
    public void Every_request_that_arrives_ends_exactly_once_and_leaves_nothing_behind()
    {
        string[] lines = [.. Systems.Lines];
        for (var seed = Cases.FirstSeed; seed < Cases.FirstSeed + (ulong)Cases.Count(1200); seed++)
        {
            var rng = new Rng(seed).Fork("conservation");

            // By name, so that a line more in the catalog changes none but the cases it takes.
            var line = lines.MaxBy(name => new Rng(seed).Fork(name).NextUInt64())!;
            var system = Systems.Make(line, Systems.OuterStages(ref rng));
            try
            {
                CheckCase(Traffic.Random(seed), system);
            }
            catch (Exception e)
            {
                Assert.Fail($"SLUICE_SEED={seed} ({system.Name}): {e}");
            }
        }
    }

    private static void CheckCase(Traffic traffic, ServingSystem system)
    {
        var run = new Watched(traffic.Workload, system, traffic.Options);
        Assert.True(run.IsDone, "goes on for ever");
        CheckFates(traffic, run.Result.Log);
        CheckWork(traffic, run, traffic.Options.Faults.Any(f => f.Kind is FaultKind.LoseEngine));
        CheckNothingIsLeft(run);
        CheckEvents(run.Events.Events);
        CheckCancels(traffic, run);
    }

    private static void CheckFates(Traffic traffic, RequestLog log)
    {
        var cancelled = traffic.Options.Faults.Where(f => f.Kind is FaultKind.Cancel).Select(f => f.Target).ToHashSet();
        for (var i = 0; i < log.Count; i++)
        {
            var request = traffic.Workload.Requests[i];
            if (log.Arrival[i] < 0)
            {
                Assert.True(request.Arrival == Instant.Never, $"request {i} never arrived");
                Assert.Equal(Outcome.Unfinished, log.Outcome[i]);
                continue;
            }

            Assert.True(log.Outcome[i] != Outcome.Unfinished, $"request {i} never ended");
            Assert.True(log.Ended[i] >= log.Arrival[i], $"request {i} ended before it arrived");
            var truth = traffic.Workload.OutputTokens[i];
            if (log.Outcome[i] is Outcome.Finished) Assert.Equal(truth, log.OutputTokens[i]);
            else Assert.True(log.OutputTokens[i] <= truth, $"request {i} has more tokens than it asked for");
            if (log.Outcome[i] is Outcome.Cancelled)
                Assert.True(cancelled.Contains(i) || traffic.Options.Patience is not null, $"nobody cancelled request {i}");
            if (log.Outcome[i] is not Outcome.Finished) continue;

            Assert.True(log.Dispatched[i] >= log.Arrival[i], $"request {i} dispatched before it arrived");
            Assert.True(log.Started[i] >= log.Arrival[i], $"request {i} started before it arrived");
            Assert.True(log.FirstToken[i] > log.Started[i], $"request {i} had a token before it started");
            Assert.True(log.Ended[i] >= log.FirstToken[i], $"request {i} ended before its first token");
            if (request.Media is { } media) Assert.True(log.Started[i] >= log.Arrival[i] + media.Preparation.Ticks);
        }
    }

    private static void CheckWork(Traffic traffic, Watched run, bool enginesWereLost)
    {
        var result = run.Result;
        long prompts = 0, outputs = 0;

        // One that was preempted may find more in the prefix cache the second time: what others computed meanwhile.
        var preempted = run.Events.Events.Where(e => e.Kind is EventKind.Preempted).Select(e => e.Request.Value).ToHashSet();
        for (var i = 0; i < result.Log.Count; i++)
        {
            outputs += result.Log.OutputTokens[i];
            if (result.Log.Outcome[i] is Outcome.Finished && !preempted.Contains(i))
                prompts += traffic.Workload.Requests[i].PromptTokens - result.Log.CachedPromptTokens[i];
        }

        Assert.True(result.PrefillTokens >= prompts, $"{result.PrefillTokens} tokens of prompts computed of {prompts}");
        if (!enginesWereLost) Assert.True(result.ItlMilliseconds.Count <= outputs);
    }

    private static void CheckNothingIsLeft(Watched run)
    {
        Assert.Equal(0, run.Simulator.Dispatcher.Live);
        Assert.Equal(0, run.Simulator.Dispatcher.Queued);
        foreach (ref readonly var snapshot in run.Simulator.Snapshots)
        {
            Assert.Equal(0, snapshot.Outstanding);
            Assert.Equal(0, snapshot.OutstandingTokens);
        }

        foreach (var engine in run.Simulator.Engines)
        {
            Assert.Equal(0, engine.Core.Outstanding);
            Assert.Equal(0, engine.Core.Running);
            Assert.Equal(0, engine.Core.Waiting.Count);
            Assert.Equal(0, engine.Core.Waiting.PromptTokens);
            Assert.Equal(0, engine.Core.LiveTokens);
            Assert.Equal(Instant.Never, engine.Core.NextTurn);
        }

        foreach (var scheduler in run.Schedulers) Assert.True(scheduler.IsAllFree, "KV blocks are still taken");
    }

    /// <summary>Whoever was there when its caller left is not sent to an engine again.</summary>
    private static void CheckCancels(Traffic traffic, Watched run)
    {
        var cancels = traffic.Options.Faults.Where(f => f.Kind is FaultKind.Cancel).ToLookup(f => f.Target, f => f.At);
        var log = run.Result.Log;
        foreach (var e in run.Events.Events.Where(e => e.Kind is EventKind.Dispatched))
            foreach (var at in cancels[(int)e.Request.Value])
                Assert.False(at.Ticks > log.Arrival[e.Request.Value] && at < e.At, $"cancelled at {at}, but {e}");
    }

    private static void CheckEvents(IReadOnlyList<SluiceEvent> events)
    {
        var last = default(Instant);
        var ended = new HashSet<RequestId>();
        var firstTokens = new HashSet<RequestId>();
        var losses = false;
        foreach (var e in events)
        {
            Assert.True(e.At >= last, $"time runs backwards at {e}");
            last = e.At;
            losses |= e.Kind is EventKind.EngineLost;
            if (e.Request.Value < 0) continue;
            Assert.False(ended.Contains(e.Request), $"after its end: {e}");
            if (e.Kind is EventKind.Finished or EventKind.Cancelled or EventKind.Failed or EventKind.Rejected) ended.Add(e.Request);
            if (e.Kind is EventKind.FirstToken) Assert.True(firstTokens.Add(e.Request) || losses, $"second first token: {e}");
        }
    }
}
