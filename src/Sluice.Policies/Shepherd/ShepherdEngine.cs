using Sluice.Core;

namespace Sluice.Policies;

/// <summary>What one engine runs, and the batches it is to run next: a group and how many of it.</summary>
internal struct ShepherdEngine
{
    private List<(int Group, int Count)> _plan;
    private int _next;

    public SlotList Running;

    /// <summary>Of the running, those whose eviction was asked for.</summary>
    public int Leaving;

    /// <summary>While planning: when it is free, and with which model [s].</summary>
    public double FreeSeconds;
    public ModelId PlannedModel;

    public static ShepherdEngine Make() => new() { _plan = new(64), Running = SlotList.Empty };

    public readonly bool HasPlan => _next < _plan.Count;

    public void Reset(ModelId model, double busySeconds)
    {
        _plan.Clear();
        _next = 0;
        (FreeSeconds, PlannedModel) = (busySeconds, model);
    }

    public readonly void Add(int group, int count) => _plan.Add((group, count));

    public readonly bool TryPeek(out (int Group, int Count) batch)
    {
        batch = HasPlan ? _plan[_next] : default;
        return HasPlan;
    }

    public void Pop() => _next++;

    /// <summary>One of the first batch is taken.</summary>
    public void CountDown()
    {
        var (group, count) = _plan[_next];
        if (count == 1) _next++;
        else _plan[_next] = (group, count - 1);
    }
}
