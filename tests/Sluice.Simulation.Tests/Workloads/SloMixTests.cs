using Sluice.Core;

namespace Sluice.Simulation.Tests;

public sealed class SloMixTests
{
    private static readonly Workload s_load = WorkloadSource.FromSpec("poisson:rate=5,n=10000,prompt=10,output=5", new Rng(1));

    private static string Complaint(string mix) =>
        Assert.Throws<InputException>(() => SloMix.Parse(mix).Apply(s_load, new Rng(1))).Message;

    [Fact]
    public void Classes_are_drawn_by_share_with_their_promises()
    {
        var mix = SloMix.Parse("chat:0.6,ttft=1s,tpot=50ms,priority=-2;batch:0.4,e2e=1h");
        var mixed = mix.Apply(s_load, new Rng(1));

        Assert.Equal(["chat", "batch"], mixed.Classes);
        Assert.Equal(6000, mixed.Requests.Count(r => r.Class.Index == 0), 200.0);
        Assert.All(mixed.Requests, r => Assert.Equal(
            r.Class.Index == 0
                ? (new Slo(TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(50), TimeSpan.MaxValue), -2)
                : (new Slo(TimeSpan.MaxValue, TimeSpan.MaxValue, TimeSpan.FromHours(1)), 0),
            (r.Slo, r.Priority)));
        Assert.Equal(mixed.Requests, mix.Apply(s_load, new Rng(1)).Requests);
        WorkloadRules.Hold(mixed);
    }

    [Fact]
    public void Promises_alone_are_for_all()
    {
        var mixed = SloMix.Parse("ttft=0.5,tpot=20ms").Apply(s_load, new Rng(1));

        Assert.Equal(["default"], mixed.Classes);
        Assert.All(mixed.Requests, r => Assert.Equal(TimeSpan.FromSeconds(0.5), r.Slo.Ttft));
    }

    [Fact]
    public void Classes_of_the_trace_decide_where_the_mix_names_them_all()
    {
        var trace = TempTrace.Read(TinyTraces.Csv);
        var mixed = SloMix.Parse("batch:e2e=1h;chat:ttft=1s").Apply(trace, new Rng(1));
        Assert.Equal([1, 0, 1], mixed.Requests.Select(r => r.Class.Index));
    }

    [Fact]
    public void Tenants_of_the_trace_decide_where_classes_do_not()
    {
        var trace = TempTrace.Read(TinyTraces.Csv);
        var mixed = SloMix.Parse("umbra:e2e=1h;acme:ttft=1s").Apply(trace, new Rng(1));
        Assert.Equal([1, 0, 1], mixed.Requests.Select(r => r.Class.Index));
    }

    [Fact]
    public void All_stages_of_a_program_are_in_one_class()
    {
        var programs = WorkloadSource.FromSpec("programs:rate=1,n=50,stages=4,prompt=10,output=5", new Rng(1));
        var mixed = SloMix.Parse("a:1,ttft=1s;b:1,ttft=2s").Apply(programs, new Rng(1));

        Assert.All(mixed.Requests.GroupBy(r => r.Program), stages => Assert.Single(stages.Select(r => r.Class).Distinct()));
        Assert.Equal(2, mixed.Requests.Select(r => r.Class).Distinct().Count());
        Assert.Same(programs.FollowUps, mixed.FollowUps);
    }

    [Theory]
    [InlineData("", "the SLO mix is empty")]
    [InlineData("chat:0.5,tfft=1s", "has the key 'tfft': did you mean 'ttft'? known: share, ttft, tpot, e2e, priority")]
    [InlineData("chat:0.5,ttft=soon", "has ttft=soon, expected a duration such as 50ms, 2s, 10m or 1h")]
    [InlineData("chat:0.5,ttft=0", "has ttft=0, expected more than 0")]
    [InlineData("chat:-1", "has share=-1, expected a number from 0")]
    [InlineData(":0.5", "has no class name before the colon")]
    [InlineData("a:1;a:2", "has the class 'a' twice")]
    [InlineData("a:0;b:0", "all shares of the SLO mix are 0")]
    [InlineData("a:ttft=1s;b:1", "the class 'a' of the SLO mix has no share, expected a:0.5,…")]
    public void A_wrong_mix_is_explained(string mix, string complaint) =>
        Assert.Contains(complaint, Complaint(mix), StringComparison.Ordinal);
}
