namespace Sluice.Core;

/// <summary>Sequences that leave with their KV and come back to it.</summary>
public sealed partial class Step
{
    /// <summary>Puts a sequence that has its KV elsewhere in line for this engine's memory, ahead of everybody
    /// waiting.</summary>
    internal void Return(int slot)
    {
        _table[slot].Phase = SequencePhase.Returning;
        _returning.Add(slot);
    }

    /// <summary>Moves a sequence's KV to host memory and out of the scheduler's sight. Between steps only.</summary>
    /// <returns>False if it holds no KV or host memory is short; nothing changed then.</returns>
    internal bool TryPark(int slot, ref Sequence s)
    {
        switch (s.Phase)
        {
            case SequencePhase.Swapped:
                _swapped.Remove(slot);
                break;
            case SequencePhase.Returning when !s.IsMigrating && !s.IsPreserved:
                _returning.Remove(slot);
                break;
            case SequencePhase.Decoding or SequencePhase.Prefilling or SequencePhase.Paused:
                if (!CanSwapOut(slot)) return false;
                TakeOutOfBatch(slot, ref s);
                var moved = Cache.TrySwapOut(slot);
                Check.That(moved);
                _swappedBetweenSteps += s.Computed;
                break;
            default:
                return false;
        }

        s.Phase = SequencePhase.Parked;
        return true;
    }

    private bool TryBringBack(int slot)
    {
        ref var s = ref _table[slot];
        if (IsFull) return false;
        if (s.IsPreserved)
        {
            s.IsPreserved = false;
            Rejoin(slot, ref s);
            return true;
        }

        if (s.IsMigrating ? !Cache.TryAdmit(slot, s.Request, s.Computed) : !Cache.TrySwapIn(slot, s.Computed)) return false;

        if (!s.IsMigrating) _batch.MutableShape.SwappedTokens += s.Computed;
        s.IsMigrating = false;
        Emit(EventKind.SwappedIn, in s, s.Computed);
        Rejoin(slot, ref s);
        return true;
    }

    /// <summary>Host memory for all it knows, and the block it may have been given ahead.</summary>
    private bool CanSwapOut(int slot) =>
        Cache.HostFreeBlocks >= (_table[slot].GivenTokens + OutputTokens(slot)) / Cache.BlockTokens + 2;

    /// <summary>Goes on where it stopped: decoding, or in the middle of its prefill.</summary>
    private void Rejoin(int slot, ref Sequence s)
    {
        _running.Append(slot);
        if (s.Computed == s.Known - 1 && s.Output > 0)
        {
            JoinDecodes(slot, ref s);
            return;
        }

        s.Phase = SequencePhase.Prefilling;
        _prefilling.Add(slot);
    }
}
