using Sluice.Core;

namespace Sluice.Policies.Tests;

/// <summary>Neighbours of one kind become one group, and nobody's turn changes.</summary>
public sealed class GroupMergesTests
{
    private readonly EngineSnapshot[] _engines = [new() { Id = new(0), IsPresent = true, IsReady = true, OutstandingMax = 1000 }];
    private readonly QlmState _state = new(new QlmOptions { GroupCap = 2 }, null); // Batches of 32: groups of 64.
    private int _next;

    public GroupMergesTests() => _state.Begin(View);

    private ClusterView View => new(default, _engines, 0);

    [Fact]
    public void Close_neighbours_merge_in_order()
    {
        Add(members: 10, prompt: 100);
        Add(members: 20, prompt: 110);
        Add(members: 5, prompt: 105);
        var before = Order();

        Assert.Equal(2, new GroupMerges(_state).Run(View));

        Assert.Equal(before, Order());
        Assert.Equal(1, _state.Queues[0].Count);
        ref var g = ref _state.Backlog.Group(_state.Queues[0].Groups[0]);
        Assert.Equal((35, 35, 35), (g.Waiting, g.Members, _state.Queues[0].Requests));
        Assert.Equal(Math.Log(106.3), g.LogPrompt, 0.01); // The middle of all members.
        Assert.Equal(35 * 100, _state.Queues[0].Work.OutputTokens, 1e-6);
    }

    [Fact]
    public void A_group_of_another_kind_between_them_keeps_two_apart()
    {
        Add(members: 10, prompt: 100);
        Add(members: 10, prompt: 2000);
        Add(members: 10, prompt: 100);

        Assert.Equal(0, new GroupMerges(_state).Run(View));
    }

    [Fact]
    public void A_started_group_another_model_and_a_full_group_are_left_alone()
    {
        _state.Backlog.Group(Add(members: 10, prompt: 100)).IsStarted = true;
        Add(members: 40, prompt: 100);
        Add(members: 40, prompt: 100); // 80 would be more than a group holds.
        Add(members: 10, prompt: 100, model: 1);

        Assert.Equal(0, new GroupMerges(_state).Run(View));
    }

    [Fact]
    public void A_group_closes_when_a_full_group_has_come_into_it_or_beside_it()
    {
        var (early, late, other) = (Add(members: 1, prompt: 100), Add(members: 1, prompt: 2000), Add(members: 1, prompt: 100, model: 1));
        foreach (var group in (int[])[early, late, other]) _state.Index.Open(group);
        for (var i = 0; i < 63; i++) _state.Index.Pass(default, Math.Log(60), most: 64);
        Assert.Equal([early, late], _state.Index.Of(default));

        _state.Index.Pass(default, Math.Log(3600), most: 64); // Another promise.
        Assert.Equal([early, late], _state.Index.Of(default));
        _state.Index.Pass(default, Math.Log(60), most: 64);

        Assert.Empty(_state.Index.Of(default));
        Assert.Equal([other], _state.Index.Of(new(1)));
    }

    [Fact]
    public void Nobody_joins_the_group_that_is_no_more()
    {
        var first = Add(members: 10, prompt: 100);
        var second = Add(members: 10, prompt: 100);
        _state.Index.Open(first);
        _state.Index.Open(second);

        new GroupMerges(_state).Run(View);

        Assert.Equal([first], _state.Index.Of(default));
    }

    /// <returns>A group at the end of the queue.</returns>
    private int Add(int members, int prompt, int model = 0)
    {
        var group = _state.Backlog.AddGroup(new(model), 0);
        for (var i = 0; i < members; i++)
        {
            var entry = _state.Backlog.AddEntry(new()
            {
                Request = QlmRun.Request(0, ttft: 60, prompt, model: model) with { Id = new(_next++) }, Predicted = new(100, 0),
                KvAt = EngineId.None, Engine = EngineId.None, Deadline = _next,
            });
            _state.Backlog.Append(entry, group);
            _state.Index.Include(group, Math.Log(60), Math.Log(prompt), Math.Log(100));
        }

        _state.Append(group, 0, _next);
        return group;
    }

    private List<long> Order()
    {
        var order = new List<long>();
        foreach (var group in _state.Queues[0].Groups)
            for (var entry = _state.Backlog.Group(group).First; entry >= 0; entry = _state.Backlog[entry].Next)
                order.Add(_state.Backlog[entry].Request.Id.Value);
        return order;
    }
}
