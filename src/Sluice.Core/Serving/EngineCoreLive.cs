namespace Sluice.Core;

/// <summary>What only engines that really compute need: answers that end when they say so, drafts, and sequences that go on
/// from another one's KV.</summary>
public sealed partial class EngineCore
{
    /// <summary>The slot of a request that the engine holds, or −1; good until the next step begins.</summary>
    public int SlotOf(RequestId request) => _slots.TryGet(request, out var slot) ? slot : -1;

    public SequencePhase PhaseOf(int slot) => _table[slot].Phase;

    /// <summary>Brings the block table of a decoding sequence up to date, so that its KV can be read. Between steps
    /// only.</summary>
    /// <returns>Tokens whose KV is there; −1 if it does not decode now.</returns>
    public int TrySettle(int slot)
    {
        Check.That(!_stepping);
        ref var s = ref _table[slot];
        if (s.Phase != SequencePhase.Decoding) return -1;
        _decodes.Settle(slot);
        return _decodes.ComputedOf(in s);
    }

    /// <summary>Whoever asked to leave does so now. Between steps only.</summary>
    public void LetLeave(Instant now)
    {
        Check.That(!_stepping);
        LetLeave(EngineTime.At(now));
    }

    /// <summary>Takes in a request that goes on from where a decoding one stands: they share all blocks, and the child gets
    /// its own copy of the last one if that is not full. Between steps only.</summary>
    /// <param name="parent">A request with as many output tokens as the child has; their newest may differ.</param>
    /// <returns>False, and nothing is kept of it, if the parent does not decode now, the batch is full or a block is short.
    /// Submitted instead, the child computes again what it would have shared.</returns>
    public bool TryFork(Instant now, RequestId parent, Request request, TokenEstimate predicted, int outputLimit)
    {
        Check.That(!_stepping);
        var from = SlotOf(parent);
        if (from < 0 || _table[from].Phase != SequencePhase.Decoding) return false;
        if (_step.IsFull || !CanEverHold(request, outputLimit, calls: null)) return false;
        var (output, computed) = (_step.OutputTokens(from), _step.ComputedTokens(from));
        Check.That(outputLimit > output && request.PromptTokens + output - 1 == computed);
        var isPartial = computed % _cache.BlockTokens != 0;
        if (isPartial && _cache.FreeBlocks < 1) return false;

        _decodes.Settle(from);
        _cache.Rewind(from, computed);
        var slot = Take(now, request, predicted, outputLimit, output);
        if (!_cache.TryFork(from, slot))
        {
            _slots.Remove(request.Id, out _);
            _table.Free(slot);
            return false;
        }

        if (isPartial)
        {
            var isCopied = _cache.TryReserve(slot, computed + 1);
            Check.That(isCopied);
        }

        ref var s = ref _table[slot];
        (s.Computed, s.HasStarted) = (computed, true);
        OutputTokens++;
        _step.Join(slot, ref s);
        _sink.Emit(new(now, request.Id, Id, computed, EventKind.Started));
        if (output == 1) _sink.Emit(new(now, request.Id, Id, 1, EventKind.FirstToken));
        if (NextTurn == Instant.Never) NextTurn = now;
        return true;
    }

    /// <summary>The runner found a sequence's last token.</summary>
    /// <param name="tokens">Output tokens it has of the step under way.</param>
    private void EndWith(int slot, int tokens)
    {
        ref var s = ref _table[slot];
        s.OutputLimit = _step.OutputTokens(slot) + tokens;
        if (s.Phase == SequencePhase.Decoding) _decodes.EndWithNextStep(slot);
    }

    private void CompleteDrafts(int slot, ref Sequence s, int accepted)
    {
        s.Computed += 1 + accepted;
        _cache.Rewind(slot, s.Computed);
        s.Output += 1 + accepted;
        OutputTokens += 1 + accepted;
        Gaps.AddOne(s.LastTokenAt, _end);
        for (var i = 0; i < accepted; i++) Gaps.AddOne(_end, _end); // They came together.
        s.LastTokenAt = _end;
        if (s.Output == s.SegmentEnd) End(slot);
        else _step.JoinDecodes(slot, ref s);
    }
}
