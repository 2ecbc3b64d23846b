using Sluice.Core;

namespace Sluice.Simulation.Tests;

public sealed class WorkloadMergeTests
{
    private static Workload Make(string spec) => WorkloadSource.FromSpec(spec, new Rng(1));

    [Fact]
    public void Parts_share_one_time_line_and_names_are_kept()
    {
        var load = Make(
            "constant:rate=1,n=3,prompt=1,output=1,model=llama,class=chat"
            + " | constant:rate=2,n=4,prompt=2,output=2,model=qwen,class=chat,tenant=acme");

        WorkloadRules.Hold(load);
        Assert.Equal([2, 1, 2, 2, 1, 2, 1], load.Requests.Select(r => r.PromptTokens)); // At a tie the first part is first.
        Assert.Equal([2, 1, 2, 2, 1, 2, 1], load.OutputTokens);
        Assert.Equal(["llama", "qwen"], load.Models);
        Assert.Equal(["chat"], load.Classes);
        Assert.Equal(["default", "acme"], load.Tenants);
        Assert.All(load.Requests, r => Assert.Equal(r.PromptTokens - 1, r.Model.Index));
    }

    [Fact]
    public void Programs_keep_their_own_stages_and_share_no_content()
    {
        const string Program = "programs:rate=1,n=5,stages=3,prompt=64,output=16,tool=1s";
        var load = Make($"{Program} | poisson:rate=1,n=10,prompt=5,output=5 | {Program}");

        WorkloadRules.Hold(load);
        Assert.Equal(10, load.Requests.Where(r => r.Program >= 0).Select(r => r.Program).Distinct().Count());
        Assert.Equal(20, load.FollowUps!.Count);
        foreach (var (parent, later) in load.FollowUps)
        {
            Assert.Equal(load.Requests[parent].Program, load.Requests[later[0].Request].Program);
            Assert.Equal(load.Requests[parent].Stage + 1, load.Requests[later[0].Request].Stage);
        }

        var firstBlocks = load.Requests.Where(r => r.Program >= 0).Select(r => r.PromptBlocks.Span[0]).Distinct();
        Assert.Equal(10, firstBlocks.Count());
    }

    [Fact]
    public void Prompt_hashes_of_different_sizes_do_not_mix()
    {
        const string Program = "programs:rate=1,n=5,stages=3,prompt=64,output=16";
        var e = Assert.Throws<InputException>(() => Make($"{Program},block=16 | {Program},block=32"));
        Assert.Contains("cover 16 and 32 tokens", e.Message, StringComparison.Ordinal);
    }
}
