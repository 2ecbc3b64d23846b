using Sluice.Core;

namespace Sluice.Simulation.Tests;

public sealed class ProgramWorkloadTests
{
    private static Workload Make(string keys) =>
        WorkloadSource.FromSpec("programs:rate=1,prompt=100,output=20," + keys, new Rng(1));

    [Fact]
    public void Later_stages_stand_at_the_end_and_wait_for_their_predecessor()
    {
        var load = Make("n=10,stages=3,tool=2s,growth=5");

        Assert.Equal(30, load.Requests.Length);
        Assert.All(load.Requests[..10], r => Assert.True(r.Stage == 0 && r.Arrival != Instant.Never));
        Assert.All(load.Requests[10..], r => Assert.Equal(Instant.Never, r.Arrival));
        Assert.Equal([100, 125, 150], load.Requests.Where(r => r.Program == 4).Select(r => r.PromptTokens));
        Assert.Equal([new FollowUp(14, TimeSpan.FromSeconds(2))], load.FollowUps![4]);
        Assert.Equal([new FollowUp(24, TimeSpan.FromSeconds(2))], load.FollowUps[14]);
        WorkloadRules.Hold(load);
    }

    [Fact]
    public void Every_later_stage_is_released_exactly_once_by_its_own_program()
    {
        var load = Make("n=20,stages=4,fanout=3,tool=exp(2s)");

        Assert.Equal(20 * (1 + 3 + 9 + 27), load.Requests.Length);
        var released = load.FollowUps!.SelectMany(entry => entry.Value.Select(f => (Parent: entry.Key, f.Request))).ToArray();
        Assert.Equal(Enumerable.Range(20, load.Requests.Length - 20), released.Select(r => r.Request).Order());
        Assert.All(released, r =>
        {
            Assert.Equal(load.Requests[r.Parent].Program, load.Requests[r.Request].Program);
            Assert.Equal(load.Requests[r.Parent].Stage + 1, load.Requests[r.Request].Stage);
        });
        Assert.Equal(2, load.FollowUps!.Values.SelectMany(f => f).Average(f => f.ToolDelay.TotalSeconds), 0.3);
    }

    [Fact]
    public void A_stage_finds_its_predecessors_prompt_and_siblings_share_their_parents_answer()
    {
        var load = Make("n=2,stages=2,fanout=2,growth=40,system=32,block=4");

        var (a, b) = (Blocks(0), Blocks(1));
        Assert.Equal(8, Common(a, b)); // The system prompt of 32 tokens, no more.
        var (first, second) = (Blocks(2), Blocks(3));
        Assert.Equal(a, first[..33]);
        Assert.Equal((132 + 20) / 4, Common(first, second)); // Prompt and answer, but not what the tools returned.

        ulong[] Blocks(int i) => load.Requests[i].PromptBlocks.ToArray();
        static int Common(ulong[] x, ulong[] y) => x.Zip(y).TakeWhile(pair => pair.First == pair.Second).Count();
    }

    [Fact]
    public void A_branch_ends_when_it_would_pass_the_total()
    {
        var load = Make("n=3,stages=50,max-total=200,prefixes=false");

        Assert.Equal([100, 120, 140, 160, 180], load.Requests.Where(r => r.Program == 0).Select(r => r.PromptTokens));
        Assert.Equal(0, load.PrefixBlockTokens);
    }

    [Fact]
    public void An_endless_law_of_delays_is_cut_at_a_year()
    {
        var load = Make("n=50,stages=2,tool=lognormal(1h,1000)");
        Assert.All(load.FollowUps!.Values, f => Assert.InRange(f[0].ToolDelay, TimeSpan.Zero, TimeSpan.FromDays(365)));
    }

    [Fact]
    public void Too_large_a_tree_is_refused()
    {
        var e = Assert.Throws<InputException>(() => Make("n=1,stages=20,fanout=10,prefixes=false"));
        Assert.Contains("makes over", e.Message, StringComparison.Ordinal);
    }
}
