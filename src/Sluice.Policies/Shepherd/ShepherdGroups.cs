using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Requests of one model and one promise.</summary>
internal struct ShepherdGroup
{
    public ModelId Model;
    public Slo Slo;
    public SlotList Waiting;

    /// <summary>Members waiting or on an engine. A group without any is free for reuse.</summary>
    public int Members;

    /// <summary>Running means over all members so far [tokens].</summary>
    public double PromptTokens, OutputTokens;
    public long Seen;

    /// <summary>The promise that orders groups: to the first token, or else to the last.</summary>
    public readonly TimeSpan Promise => Slo.Ttft < Slo.E2e ? Slo.Ttft : Slo.E2e;
}

/// <summary>Groups by key, in slots that are reused. O(1) per request.</summary>
internal sealed class ShepherdGroups
{
    private readonly Dictionary<(ModelId, Slo), int> _byKey = [];
    private readonly List<int> _free = new(16);
    private ShepherdGroup[] _groups = new ShepherdGroup[16];

    /// <summary>One past the highest slot ever used; a free one has no members.</summary>
    public int Used { get; private set; }

    public ref ShepherdGroup this[int group] => ref _groups[group];

    /// <summary>Counts a member in.</summary>
    public int Join(in QueuedRequest queued)
    {
        var request = queued.Request;
        if (!_byKey.TryGetValue((request.Model, request.Slo), out var index))
        {
            index = Take();
            _groups[index] = new() { Model = request.Model, Slo = request.Slo, Waiting = SlotList.Empty };
            _byKey.Add((request.Model, request.Slo), index);
        }

        ref var group = ref _groups[index];
        group.Members++;
        group.Seen++;
        group.PromptTokens += (request.PromptTokens - group.PromptTokens) / group.Seen;
        group.OutputTokens += (Math.Max(1, queued.Predicted.Mean) - group.OutputTokens) / group.Seen;
        return index;
    }

    public void Leave(int index)
    {
        ref var group = ref _groups[index];
        if (--group.Members > 0) return;
        _byKey.Remove((group.Model, group.Slo));
        _free.Add(index);
    }

    private int Take()
    {
        if (_free.Count > 0)
        {
            var index = _free[^1];
            _free.RemoveAt(_free.Count - 1);
            return index;
        }

        if (Used == _groups.Length) Array.Resize(ref _groups, Used * 2);
        return Used++;
    }
}
