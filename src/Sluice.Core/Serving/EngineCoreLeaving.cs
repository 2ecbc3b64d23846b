namespace Sluice.Core;

/// <summary>Requests that leave before their end: cancelled, evicted, or moved to another engine.</summary>
public sealed partial class EngineCore
{
    /// <summary>Ends a request early. Takes effect between steps; <see cref="EventKind.Cancelled"/> says when.</summary>
    /// <returns>False if the engine does not hold it.</returns>
    public bool TryCancel(Instant now, RequestId request) => TryLeave(now, request, EventKind.Cancelled);

    /// <summary>Takes a request off the engine; its KV goes to host memory while there is room, and a later submission of the
    /// same request goes on from it. Takes effect between steps; <see cref="EventKind.Evicted"/> says when.</summary>
    /// <returns>False if the engine does not hold it.</returns>
    public bool TryEvict(Instant now, RequestId request) => TryLeave(now, request, EventKind.Evicted);

    /// <summary>Lets a decoding request go to another engine. Takes effect between steps; <see cref="EventKind.MovedOut"/>
    /// says when. Nothing happens if it ended or lost its blocks meanwhile.</summary>
    /// <returns>False if the engine does not hold it.</returns>
    public bool TryMoveOut(Instant now, RequestId request) => TryLeave(now, request, EventKind.MovedOut);

    /// <summary>Forgets the KV of an evicted request.</summary>
    public void DropParked(RequestId request)
    {
        if (!_parked.Remove(request, out var slot)) return;
        _step.Retire(slot, ref _table[slot]);
        _table.Free(slot);
    }

    private bool TryLeave(Instant now, RequestId request, EventKind how)
    {
        if (!_slots.TryGet(request, out _)) return false;
        Synchronise(now);
        _leaves.Add((request, how));
        if (!_stepping) NextTurn = now;
        return true;
    }

    private void LetLeave(EngineTime now)
    {
        for (var i = 0; i < _leaves.Count; i++) // The sink may add to the list.
        {
            var (id, how) = _leaves[i];
            if (!_slots.TryGet(id, out var slot)) continue; // It ended in the step under way.
            ref var s = ref _table[slot];
            if (how is EventKind.MovedOut && s.Phase != SequencePhase.Decoding) continue;

            _slots.Remove(id, out _);
            if (s.Phase == SequencePhase.Held) _held.Remove(slot);
            var amount = how is EventKind.MovedOut ? _step.ComputedTokens(slot) : _step.OutputTokens(slot);
            if (how is EventKind.Evicted) amount = Math.Min(amount, s.OutputLimit - 1); // As in Lose.
            if (how is EventKind.Evicted && _step.TryPark(slot, ref s)) _parked.Add(id, slot);
            else if (_step.Retire(slot, ref s)) _table.Free(slot);
            _sink.Emit(new(now.Instant, id, Id, amount, how));
        }

        _leaves.Clear();
    }
}
