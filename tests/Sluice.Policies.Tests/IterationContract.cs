using Sluice.Core;

namespace Sluice.Policies.Tests;

/// <summary>Holds for every system in the catalog; a new line there is tested here without another word.</summary>
public sealed class IterationContract
{
    public static TheoryData<string> Every => [.. Systems.Names, .. Systems.Variants];

    [Theory, MemberData(nameof(Every))]
    public void Everybody_finishes_whatever_the_memory(string line)
    {
        for (var seed = 1UL; seed <= (ulong)Cases.Count(30); seed++)
        {
            var rng = new Rng(seed);
            var engine = Engine(line, ref rng);
            var submitted = 0;
            while (submitted < 30)
            {
                for (var left = rng.Next(4); left > 0; left--)
                    if (engine.Submit(submitted, 1 + rng.Next(100), 1 + rng.Next(60), priority: rng.Next(3))) submitted++;
                engine.Run(rng.Next(20));
            }

            engine.Run();

            Assert.Equal(Enumerable.Range(0, submitted), engine.Events.Ids(EventKind.Finished).Order());
            Assert.Equal(0, engine.Core.Outstanding);
            Assert.Equal(0, engine.Core.Running);
            Assert.Equal(engine.Cache.TotalBlocks, engine.Cache.FreeBlocks);
        }
    }

    /// <summary>A system that takes prompts whole may exceed the budget by a prompt, which then is the only one.</summary>
    [Theory, MemberData(nameof(Every))]
    public void No_step_exceeds_its_limits(string line)
    {
        for (var seed = 1UL; seed <= 20; seed++)
        {
            var rng = new Rng(seed);
            var limits = new EngineLimits(TokenBudget: 20 + rng.Next(100), SequencesMax: 1 + rng.Next(12));
            var scheduler = Systems.Make(line).Iteration();
            var engine = new TestEngine(scheduler, limits)
            {
                After = step => Assert.True(step.Running - step.Paused <= limits.SequencesMax, "too many sequences"),
            };
            for (var i = 0; i < 40; i++) engine.Submit(i, 1 + rng.Next(300), 1 + rng.Next(30));
            engine.Run();

            if (scheduler.RetiresTogether) continue; // A static batch takes all its prompts in one step.
            foreach (var step in engine.Steps)
                Assert.True(step.Tokens <= limits.TokenBudget || step.Chunks.Length == 1, $"{step} with a budget of {limits.TokenBudget}");
        }
    }

    [Theory, MemberData(nameof(Every))]
    public void Nobody_is_admitted_before_an_earlier_one_where_the_order_is_first_come_first_served(string line)
    {
        if (Systems.Make(line).Iteration().WaitingOrder is not null) return;

        for (var seed = 1UL; seed <= 10; seed++)
        {
            var rng = new Rng(seed);
            var engine = Engine(line, ref rng);
            for (var i = 0; i < 40; i++)
            {
                if (!engine.Submit(i, 1 + rng.Next(100), 1 + rng.Next(40))) break;
                engine.Run(rng.Next(4));
            }

            engine.Run();
            var started = engine.Events.Ids(EventKind.Started);
            Assert.Equal(started.Order(), started);
        }
    }

    [Theory, MemberData(nameof(Every))]
    public void Composing_allocates_nothing_once_warm(string line)
    {
        var before = 0L;
        var allocated = 0L;
        var engine = new TestEngine(Systems.Make(line).Iteration(), new(TokenBudget: 64, SequencesMax: 8), Cache(line, 40))
        {
            Before = _ => before = GC.GetAllocatedBytesForCurrentThread(),
            After = _ => allocated += GC.GetAllocatedBytesForCurrentThread() - before,
        };

        engine.Events.Events.EnsureCapacity(100_000); // Composing emits, and the log must not grow meanwhile.

        // The runtime sets things up once (a comparer's first use), in whichever round first comes there. What a step
        // allocates shows in every round.
        var least = long.MaxValue;
        for (var round = 0; round < 6 && least > 0; round++)
        {
            engine.Events.Events.Clear();
            allocated = 0;
            Round(round);
            if (round > 0) least = Math.Min(least, allocated);
        }

        Assert.Equal(0, least);

        void Round(int round)
        {
            var rng = new Rng(5);
            for (var i = 0; i < 60; i++)
            {
                engine.Submit(round * 60 + i, 1 + rng.Next(60), 1 + rng.Next(60), priority: rng.Next(3));
                engine.Run(rng.Next(3));
            }

            engine.Run();
        }
    }

    [Fact]
    public void Every_scheduler_class_is_made_by_some_catalog_line()
    {
        var made = Systems.Names.Select(name => Systems.Make(name).Iteration().GetType());
        var written = typeof(Catalog).Assembly.GetTypes()
            .Where(t => t is { IsClass: true, IsAbstract: false } && t.IsAssignableTo(typeof(IIterationScheduler)));

        Assert.Empty(written.Except(made).Select(t => t.Name));
    }

    private static TestEngine Engine(string line, ref Rng rng) =>
        new(Systems.Make(line).Iteration(), new(8 + rng.Next(100), 1 + rng.Next(12)), Cache(line, 11 + rng.Next(30)));

    /// <summary>As the system's own kind, small; ranges are long enough for every request of this suite.</summary>
    private static IKvCache Cache(string line, int blocks) => Systems.Make(line).Kv switch
    {
        KvKind.Paged => new CountingKvCache(blocks, 16, hostBlocks: blocks / 2),
        KvKind.PrefixCache => new PagedKvCache(blocks, 16, hostBlocks: blocks / 2, prefixCache: true),
        _ => new ReservingKvCache(blocks * 16, _ => 176),
    };
}
