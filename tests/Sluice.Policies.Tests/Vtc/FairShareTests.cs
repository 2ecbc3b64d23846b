using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Policies.Tests;

/// <summary>Tenants that share one engine with places for four requests; service is prompt tokens plus twice the output tokens,
/// as VTC prices them. The first requests are left out of what is counted: they find a free engine, whoever sends them.</summary>
public sealed class FairShareTests
{
    private const int Prompt = 100, Output = 50, First = 40;
    private const double Cost = Prompt + 2 * Output;

    [Fact]
    public void A_tenant_that_asks_for_three_times_as_much_gets_no_more()
    {
        var order = Order("vtc", Flood(tenant: 0, count: 300), Flood(tenant: 1, count: 100));

        var served = ServedAfter(order, 150);
        Assert.InRange(Math.Abs(served[0] - served[1]), 0, 2 * Cost * 4);
    }

    [Fact]
    public void Without_it_the_one_who_came_first_gets_everything()
    {
        var order = Order("vllm-v1", Flood(tenant: 0, count: 300), Flood(tenant: 1, count: 100, at: 1));

        Assert.Equal(0, ServedAfter(order, 150).GetValueOrDefault(1));
    }

    [Fact]
    public void Weights_are_followed_within_five_percent()
    {
        var order = Order("vtc length=oracle fair-weights=1:2:3:4", [.. Enumerable.Range(0, 4).Select(t => Flood(t, count: 200))]);

        var served = ServedAfter(order, 400);
        var total = served.Values.Sum();
        for (var tenant = 0; tenant < 4; tenant++) Assert.InRange(served[tenant] / total, (tenant + 1) / 10.0 * 0.95, (tenant + 1) / 10.0 * 1.05);
    }

    [Fact]
    public void A_tenant_that_asks_for_little_waits_for_one_place_only()
    {
        var run = Run("vtc", [.. Flood(tenant: 0, count: 300), (Request(tenant: 1, atMs: 1000), Output)]);

        var log = run.Result.Log;
        var small = Enumerable.Range(0, log.Count).Single(i => run.Workload.Requests[i].Tenant.Index == 1);
        var wait = TimeSpan.FromTicks(log.Dispatched[small] - log.Arrival[small]);
        Assert.InRange(wait.TotalMilliseconds, 0, 200); // One answer takes some 60 ms.
    }

    [Fact]
    public void One_who_was_idle_comes_back_to_an_equal_share_and_not_to_a_monopoly()
    {
        // Tenant 1 wants nothing for the first 150 requests of tenant 0.
        var order = Order("vtc", Flood(tenant: 0, count: 400), Flood(tenant: 1, count: 100, at: 3000));

        var back = order.FindIndex(r => r.Tenant.Index == 1);
        var next = order.Skip(back).Take(60).CountBy(r => r.Tenant.Index).ToDictionary();
        Assert.InRange(next[1], 24, 36);
    }

    [Fact]
    public void Short_and_long_answers_are_told_apart()
    {
        // Answers of tenant 0 are four times as long, so it gets about half as many requests: 100 + 400 against 100 + 100.
        var order = Order(
            "vtc length=oracle", Flood(tenant: 0, count: 300, output: 200), Flood(tenant: 1, count: 300, output: Output));

        var counts = order.Skip(First).Take(100).CountBy(r => r.Tenant.Index).ToDictionary();
        Assert.InRange((double)counts[1] / counts[0], 2.3, 2.7);
    }

    [Fact]
    public void It_costs_no_throughput()
    {
        (Request, int)[] load = [.. Flood(tenant: 0, count: 200), .. Flood(tenant: 1, count: 100)];

        var fair = Run("vtc", load).Result.Log.Ended.Max();
        var plain = Run("vllm-v1", load).Result.Log.Ended.Max();

        Assert.InRange(fair, 0, plain * 1.02);
    }

    [Fact]
    public void Inside_QLM_the_class_is_chosen_by_QLM_and_the_tenant_by_service()
    {
        var urgent = new Slo(TimeSpan.FromSeconds(1), TimeSpan.MaxValue, TimeSpan.MaxValue);
        var order = Order(
            "qlm fair=vtc", Flood(tenant: 0, count: 300), Flood(tenant: 1, count: 100),
            [(Request(tenant: 0, atMs: 500) with { Slo = urgent, Class = new(1) }, Output)]);

        var served = ServedAfter([.. order.Where(r => r.Class.Index == 0)], 150);
        Assert.InRange(Math.Abs(served[0] - served[1]), 0, 2 * Cost * 4);
        Assert.InRange(order.FindIndex(r => r.Class.Index == 1), 0, 60);
    }

    [Fact]
    public void Nobody_is_lost_when_callers_leave_and_engines_die()
    {
        for (var seed = 0UL; seed < 50; seed++)
        {
            var traffic = Traffic.Random(seed);
            foreach (var line in (string[])["vtc", "vtc queue=priority", "qlm fair=vtc", "shepherd fair=vtc"])
            {
                var simulator = new Simulator(traffic.Workload, Systems.Make(line), traffic.Options);
                Assert.False(simulator.Run(events: 300_000), $"seed {seed}, {line}: goes on for ever");
                var log = simulator.Result(default, []).Log;
                for (var i = 0; i < log.Count; i++)
                    Assert.True(log.Arrival[i] < 0 || log.Outcome[i] != Outcome.Unfinished, $"seed {seed}, {line}: request {i} never ended");
            }
        }
    }

    [Theory]
    [InlineData("vtc fair-weights=1:0", "fair-weights")]
    [InlineData("vtc fair-weights=much", "fair-weights")]
    [InlineData("vllm-v1 fair=vct", "did you mean 'vtc'?")]
    public void A_wrong_setting_is_explained(string line, string says)
    {
        var words = line.Split(' ');

        Assert.Contains(says, Assert.Throws<InputException>(() => A.System(words[0], words[1..])).Message, StringComparison.Ordinal);
    }

    private static (Request, int)[] Flood(int tenant, int count, int at = 0, int output = Output) =>
        [.. Enumerable.Range(0, count).Select(_ => (Request(tenant, at), output))];

    private static Request Request(int tenant, int atMs) =>
        A.Request(promptTokens: Prompt, maxOutputTokens: 400, arrivalTicks: atMs * TimeSpan.TicksPerMillisecond) with { Tenant = new(tenant) };

    /// <summary>Requests in the order in which they went to the engine.</summary>
    private static List<Request> Order(string line, params (Request Request, int Output)[][] loads)
    {
        var run = Run(line, [.. loads.SelectMany(l => l)]);
        return
        [
            .. Enumerable.Range(0, run.Result.Log.Count)
                .OrderBy(i => run.Result.Log.Dispatched[i]).Select(i => run.Workload.Requests[i]),
        ];
    }

    private static Dictionary<int, double> ServedAfter(List<Request> order, int requests) =>
        order.Skip(First).Take(requests).GroupBy(r => r.Tenant.Index).ToDictionary(g => g.Key, g => g.Count() * Cost);

    private static (Workload Workload, RunResult Result) Run(string line, (Request Request, int Output)[] load)
    {
        var sorted = load.OrderBy(l => l.Request.Arrival.Ticks).Select((l, i) => (l.Request with { Id = new(i) }, l.Output));
        var workload = A.Workload(sorted) with { Tenants = ["a", "b", "c", "d"], Classes = ["usual", "urgent"] };
        var simulator = new Simulator(workload, Systems.Make(line), new SimulationOptions
        {
            Engines = [A.Profile()],
            Limits = new(TokenBudget: 2048, SequencesMax: 4),
            KvTokens = 16_384,
            OutstandingMax = 4,
        });
        Assert.False(simulator.Run(events: 10_000_000));
        return (workload, simulator.Result(default, []));
    }
}
