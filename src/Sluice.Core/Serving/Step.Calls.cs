namespace Sluice.Core;

/// <summary>Answers that wait for a tool in their middle. They take no place in the batch; their KV is kept, swapped out or
/// given up meanwhile.</summary>
public sealed partial class Step
{
    /// <summary>By return.</summary>
    private readonly IndexedHeap _calling = new();

    /// <summary>Sequences that wait for a tool.</summary>
    public int Calling => _calling.Count;

    internal Instant NextReturn => _calling.Count == 0 ? Instant.Never : new(_calling.MinKey);

    /// <summary>A running sequence leaves the batch until its tool returns. Between steps only.</summary>
    internal void BeginCall(int slot, ref Sequence s, CallHandling handling, Instant now)
    {
        if (s.Phase == SequencePhase.Decoding) LeaveDecodes(slot, ref s);
        _running.Remove(slot);
        if (handling is CallHandling.Swap && !(CanSwapOut(slot) && Cache.TrySwapOut(slot))) handling = CallHandling.Recompute;
        if (handling is CallHandling.Swap) _swappedBetweenSteps += s.Computed;
        if (handling is CallHandling.Recompute) GiveUpKv(slot, ref s);
        s.Phase = SequencePhase.Calling;
        s.Handling = handling;
        _calling.Set(slot, (now + s.Calls![s.CallsMade].Duration).Ticks, s.Order);
        s.CallsMade++;
    }

    /// <summary>Lets the next sequence whose tool has returned go on.</summary>
    /// <returns>-1 when no tool has returned.</returns>
    internal int EndCall(Instant now)
    {
        if (NextReturn > now) return -1;
        var slot = _calling.MinItem;
        ref var s = ref _table[slot];
        s.LastTokenAt = EngineTime.At(NextReturn); // The tool's time is no gap between tokens.
        _calling.Remove(slot);
        s.ToolTokens += s.Calls![s.CallsMade - 1].ResponseTokens;
        switch (s.Handling)
        {
            case CallHandling.Preserve:
                s.IsPreserved = true;
                Return(slot);
                break;
            case CallHandling.Swap:
                s.Phase = SequencePhase.Swapped;
                _swapped.Add(slot);
                break;
            default:
                Waiting.Enqueue(slot, atFront: false);
                break;
        }

        return slot;
    }

    /// <summary>Nobody can run: whoever kept its KV through a tool's work comes in with the next composition, or gives it
    /// up.</summary>
    /// <returns>False if that changes nothing.</returns>
    internal bool MakesRoom() => (_returning.Count > 0 && _table[_returning[0]].IsPreserved && !IsFull) || TryGiveUpKept();

    /// <summary>Takes the blocks of a sequence that keeps them only for its tool's return: the one that would hold most of them
    /// for longest. Those who run go before.</summary>
    private bool TryGiveUpKept()
    {
        var (victim, most) = (-1, -1.0);
        for (var i = 0; i < _calling.Count; i++)
        {
            var slot = _calling.ItemAt(i);
            if (_table[slot].Handling is not CallHandling.Preserve) continue;
            var waste = (double)_table[slot].Computed * (_calling.KeyOf(slot) - Now.Ticks);
            if (waste > most || (waste == most && _table[slot].Order > _table[victim].Order)) (victim, most) = (slot, waste);
        }

        if (victim < 0) return false;
        ref var s = ref _table[victim];
        s.Handling = CallHandling.Recompute;
        SomeoneGaveWay = true;
        s.Preemptions++;
        Emit(EventKind.Preempted, in s, s.Computed);
        GiveUpKv(victim, ref s);
        return true;
    }

    private void GiveUpKv(int slot, ref Sequence s)
    {
        Cache.Release(slot);
        s.Computed = 0;
    }
}
