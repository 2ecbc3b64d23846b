using Sluice.Core;

namespace Sluice.Policies.Tests;

public sealed class RouterTests
{
    private static EngineSnapshot Engine(int id, int outstanding = 0, int max = 10, bool ready = true, int freeBlocks = 100, int model = 0) => new()
    {
        Id = new(id), IsReady = ready, OutstandingMax = max, Outstanding = outstanding, Model = new(model),
        FreeBlocks = freeBlocks, TotalBlocks = 100, BlockTokens = 16,
    };

    private static IRouter[] Routers() =>
    [
        new RoundRobin(), new RandomChoice(new Rng(1)), new LeastOutstanding(), new TwoChoices(new Rng(1)), new LeastKv(),
        new PrefixAffinity(new()), new TokenMemoryAware(new()),
    ];

    public static TheoryData<int> Every => [.. Enumerable.Range(0, Routers().Length)];

    private static int Pick(IRouter router, EngineSnapshot[] engines, Request? request = null) =>
        router.Pick(request ?? A.Request(), new ClusterView(default, engines, 0)).Index;

    [Fact]
    public void Every_router_is_tested_here()
    {
        var written = typeof(Catalog).Assembly.GetTypes().Where(t => t is { IsClass: true, IsAbstract: false } && t.IsAssignableTo(typeof(IRouter)));

        Assert.Empty(written.Except(Routers().Select(r => r.GetType())).Select(t => t.Name));
    }

    [Theory, MemberData(nameof(Every))]
    public void Nobody_is_chosen_when_nobody_can_take_it(int router)
    {
        EngineSnapshot[] engines = [Engine(0, ready: false), Engine(1, outstanding: 10), Engine(2, model: 1)];

        var subject = Routers()[router];
        for (var i = 0; i < 10; i++) Assert.Equal(-1, Pick(subject, engines));
    }

    [Theory, MemberData(nameof(Every))]
    public void The_only_one_that_can_take_it_is_chosen(int router)
    {
        EngineSnapshot[] engines = [Engine(0, ready: false), Engine(1, outstanding: 10), Engine(2, outstanding: 9), Engine(3, model: 1)];

        var subject = Routers()[router];
        for (var i = 0; i < 50; i++) Assert.Equal(2, Pick(subject, engines));
    }

    [Fact]
    public void Round_robin_goes_round_and_passes_over_the_full()
    {
        var router = new RoundRobin();
        EngineSnapshot[] engines = [Engine(0), Engine(1, outstanding: 10), Engine(2)];

        Assert.Equal([0, 2, 0, 2], Enumerable.Range(0, 4).Select(_ => Pick(router, engines)));
    }

    [Fact]
    public void Random_choice_meets_everybody_alike()
    {
        var router = new RandomChoice(new Rng(3));
        EngineSnapshot[] engines = [Engine(0), Engine(1), Engine(2)];

        var picks = Enumerable.Range(0, 3000).CountBy(_ => Pick(router, engines)).ToDictionary();

        Assert.All([0, 1, 2], engine => Assert.InRange(picks[engine], 900, 1100));
    }

    [Fact]
    public void The_least_outstanding_is_the_lowest_id_of_those_with_fewest()
    {
        Assert.Equal(1, Pick(new LeastOutstanding(), [Engine(0, 3), Engine(1, 2), Engine(2, 2)]));
    }

    [Fact]
    public void Two_choices_never_take_the_busier_of_two()
    {
        var router = new TwoChoices(new Rng(9));
        EngineSnapshot[] engines = [Engine(0, 5), Engine(1, 1)];

        var picks = Enumerable.Range(0, 1000).CountBy(_ => Pick(router, engines)).ToDictionary();

        Assert.InRange(picks[0], 200, 300); // Only when both samples are the busier one.
    }

    [Fact]
    public void The_least_KV_counts_what_waits_too_and_breaks_ties_by_outstanding_then_id()
    {
        var router = new LeastKv();
        var busy = Engine(0, freeBlocks: 90) with { WaitingTokens = 16 * 30 };

        Assert.Equal(1, Pick(router, [busy, Engine(1, freeBlocks: 70)]));
        Assert.Equal(1, Pick(router, [Engine(0, outstanding: 3), Engine(1, outstanding: 2)]));
        Assert.Equal(0, Pick(router, [Engine(0), Engine(1)]));
    }

    [Fact]
    public void Affinity_follows_the_longest_prefix_while_that_is_fair()
    {
        var router = new PrefixAffinity(new() { ImbalanceMax = 4 });
        var shared = A.Request(promptBlocks: new ulong[] { 1, 2 });
        var longer = A.Request(promptBlocks: new ulong[] { 1, 2, 3 });

        Assert.Equal(0, Pick(router, [Engine(0), Engine(1)], shared));
        Assert.Equal(0, Pick(router, [Engine(0, 4), Engine(1)], longer)); // Four more is still fair.
        Assert.Equal(1, Pick(router, [Engine(0, 5), Engine(1)], longer));
        Assert.Equal(1, Pick(router, [Engine(0, 1), Engine(1, 2)], longer)); // It lives there now.
        Assert.Equal(1, Pick(router, [Engine(0, 1), Engine(1)], A.Request(promptBlocks: new ulong[] { 7 })));
    }

    [Fact]
    public void Affinity_forgets_the_oldest_blocks()
    {
        var router = new PrefixAffinity(new() { BlocksMax = 4 });
        Pick(router, [Engine(0), Engine(1, 1)], A.Request(promptBlocks: new ulong[] { 1 }));
        for (var block = 10UL; block < 20; block++) Pick(router, [Engine(0, 1), Engine(1)], A.Request(promptBlocks: new[] { block }));

        Assert.Equal(1, Pick(router, [Engine(0, 1), Engine(1)], A.Request(promptBlocks: new ulong[] { 1 })));
    }
}
