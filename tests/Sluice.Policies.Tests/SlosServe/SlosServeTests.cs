using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Policies.Tests;

public sealed class SlosServeTests
{
    private static readonly BatchCost s_cost = new(0.0248, 6.88e-5, 3.46e-3);

    [Fact]
    public void A_loose_tier_makes_long_batches_and_a_tight_one_short_ones()
    {
        var plan = new BatchPlan([0.05, 0.1], batchMax: 100_000);
        var loose = plan.Budget(in s_cost, 0.1, [0, 1]);
        var tight = plan.Budget(in s_cost, 0.1, [1, 1]);

        Assert.Equal(Math.Floor(s_cost.Tokens(0.1)) - 1, loose, 1.0);
        Assert.Equal(2 * s_cost.Tokens(0.05), tight, 6.0);
        Assert.True(loose > 1.3 * tight);
        Assert.Equal(loose, plan.Budget(in s_cost, 0.1, [0, 1]));
    }

    [Fact]
    public void Decodes_that_cannot_be_served_leave_no_plan() =>
        Assert.True(new BatchPlan([0.03], 100_000).Budget(in s_cost, 1, [500]) < 0);

    [Fact]
    public void The_dynamic_program_finds_what_trying_every_subset_finds()
    {
        var rng = new Rng(7);
        var (optimal, greedy, first) = (0, 0, 0);
        for (var round = 0; round < 1000; round++)
        {
            var plan = new BatchPlan([0.05, 0.1], 2048);
            var admission = new SlosAdmission(plan);
            int[] decodes = [rng.Next(20), rng.Next(40)];
            var free = 20 + rng.Next(200);
            List<PlannedPrompt> prompts =
            [
                .. Enumerable.Range(0, 1 + rng.Next(8)).Select(i => new PlannedPrompt(
                    0.05 + rng.NextDouble(), 20 + rng.Next(800), rng.Next(2), 5 + rng.Next(40), IsNew: rng.Next(4) > 0, i)),
            ];
            var admitted = new List<int>();
            var brute = Brute(admission, prompts, decodes, free);
            var isFeasible = admission.Optimal(in s_cost, prompts, decodes, free, admitted);
            Assert.Equal(brute >= 0, isFeasible);
            if (brute < 0) continue;

            Assert.Equal(brute, admitted.Count);
            optimal += admitted.Count;
            admission.Greedy(in s_cost, prompts, decodes, free, admitted);
            Assert.True(admitted.Count <= brute);
            greedy += admitted.Count;
            first += InOrderOfArrival(plan, prompts, decodes, free);
        }

        Assert.True(optimal >= greedy && greedy >= first && optimal > first, $"{optimal}, {greedy}, {first}");
    }

    [Fact]
    public void Drafts_are_long_while_the_engine_is_idle_and_gone_when_prompts_are_many()
    {
        var plan = new BatchPlan([0.05], 2048);
        var drafts = new int[1];
        var light = new BatchCost(0.0248, 6.88e-5, 1e-3);

        Assert.True(plan.SpeculativeBudget(in light, 1, [4], 0.8, 15, drafts) > 0);
        Assert.True(drafts[0] > 1);
        var idle = drafts[0];
        plan.SpeculativeBudget(in light, 1, [330], 0.8, 15, drafts);
        Assert.True(drafts[0] < idle);
        var computes = new BatchCost(0.001, 1.3e-4, 1e-3); // Where tokens cost as much as they do past the roofline, waste is dear.
        plan.SpeculativeBudget(in computes, 1, [330], 0.8, 15, drafts);
        Assert.Equal(1, drafts[0]);
    }

    [Fact]
    public void Drafts_that_seldom_hold_gain_next_to_nothing()
    {
        var drafts = new int[1];
        for (var decodes = 1; decodes <= 100; decodes += 9)
        {
            var plan = new BatchPlan([0.05], 2048);
            var with = plan.SpeculativeBudget(in s_cost, 1, [decodes], 0.3, 15, drafts);
            var without = plan.SpeculativeBudget(in s_cost, 1, [decodes], 0.3, 1, drafts);
            Assert.InRange(with, without, 1.03 * without);
        }
    }

    /// <summary>Half as much again as the engine can serve, with exact step times and lengths.</summary>
    [Fact]
    public void Whoever_is_admitted_keeps_every_promise_under_overload_and_the_others_are_served_later()
    {
        var load = new List<(Request, int)>();
        var rng = new Rng(11);
        var now = 0.0;
        for (var i = 0; i < 400; i++)
        {
            now += -Math.Log(1 - rng.NextDouble()) / 9;
            var tight = i % 2 == 0;
            load.Add((A.Request(
                i, 200 + rng.Next(800), arrivalTicks: Instant.FromSeconds(now).Ticks,
                slo: new(TimeSpan.FromSeconds(0.4 + 0.3 * rng.NextDouble()), TimeSpan.FromMilliseconds(tight ? 50 : 100), TimeSpan.MaxValue)),
                50 + rng.Next(250)));
        }

        var simulator = new Simulator(A.Workload(load), A.System("slos-serve"), new SimulationOptions
        {
            Engines = [A.Profile(new() { A = 24.8, B = 0.0688, C = 0.0688 }, kvTokens: 200_000)],
            Limits = new(2048, 256),
        });
        simulator.Run();
        var log = simulator.Result(default, []).Log;

        var late = Enumerable.Range(0, 400).Where(i => !log.Relegated[i] && !IsKept(log, load[i].Item1.Slo, i)).ToArray();
        Assert.Empty(late);
        Assert.InRange(log.Relegated.Count(r => r), 20, 300);
        Assert.All(log.Outcome, o => Assert.Equal(Outcome.Finished, o));
    }

    [Fact]
    public void A_request_goes_from_engine_to_engine_until_one_admits_it()
    {
        var load = Enumerable.Range(0, 60).Select(i => (A.Request(
            i, 300 + i % 7 * 400, arrivalTicks: i / 6 * 360 * TimeSpan.TicksPerMillisecond, slo: new(TimeSpan.FromSeconds(0.3), TimeSpan.FromSeconds(0.1), TimeSpan.MaxValue)), 20));
        var simulator = new Simulator(A.Workload(load), A.System("slos-serve"), new SimulationOptions
        {
            Engines = [.. Enumerable.Repeat<EngineSetup>(A.Profile(new() { A = 24.8, B = 0.0688, C = 0.0688 }), 4)],
            Limits = new(2048, 256),
        });
        simulator.Run();
        var log = simulator.Result(default, []).Log;

        Assert.Contains(log.Declines, d => d is > 0 and < 3);
        for (var i = 0; i < log.Count; i++)
            if (log.Relegated[i]) Assert.Equal(3, log.Declines[i]); // Only the last takes it as best effort.
    }

    private static bool IsKept(RequestLog log, Slo slo, int i)
    {
        var due = log.Arrival[i] + slo.Ttft.Ticks;
        var pacedFrom = Math.Max(log.FirstToken[i], due);
        return log.FirstToken[i] <= due && log.Ended[i] <= pacedFrom + slo.Tpot.Ticks * (log.OutputTokens[i] - 1);
    }

    private static int Brute(SlosAdmission admission, List<PlannedPrompt> prompts, int[] decodes, int free)
    {
        var best = -1;
        for (var mask = 0; mask < 1 << prompts.Count; mask++)
        {
            if (prompts.Where((p, i) => !p.IsNew && (mask >> i & 1) == 0).Any()) continue;
            PlannedPrompt[] chosen = [.. prompts.Where((_, i) => (mask >> i & 1) == 1).OrderBy(p => (p.Deadline, p.IsNew, p.Slot))];
            if (admission.IsFeasible(in s_cost, chosen, decodes, free)) best = Math.Max(best, chosen.Count(p => p.IsNew));
        }

        return best;
    }

    /// <summary>All are served, in order of arrival; whoever comes out in time counts as admitted.</summary>
    private static int InOrderOfArrival(BatchPlan plan, List<PlannedPrompt> prompts, int[] decodes, int free)
    {
        var (inTime, tokens, blocks) = (0, 0.0, 0);
        foreach (var p in prompts.OrderBy(p => p.Slot))
        {
            (tokens, blocks) = (tokens + p.Tokens, blocks + p.Blocks);
            if (p.IsNew && blocks <= free && plan.Budget(in s_cost, p.Deadline, decodes) >= tokens) inTime++;
        }

        return inTime;
    }
}
