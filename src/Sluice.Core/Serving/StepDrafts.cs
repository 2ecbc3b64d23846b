namespace Sluice.Core;

/// <summary>Speculative decoding in a step: tokens that a runner guessed are computed behind the newest one, and those that
/// the sequence would have chosen anyway count.</summary>
public sealed partial class Step
{
    private readonly List<(int Sequence, long Order, int Tokens)> _drafts = new(16);

    /// <summary>Keeps a runner's drafts for this step.</summary>
    internal void TakeDrafts(StepOutcome outcome)
    {
        _drafts.Clear();
        foreach (var (sequence, tokens) in outcome.Drafts) _drafts.Add((sequence, _table[sequence].Order, tokens));
    }

    /// <summary>Decodes whose next tokens are drafted leave the decoding set for this step and compute the drafts behind
    /// their newest token, as far as tokens and blocks allow.</summary>
    private void AddDrafts()
    {
        foreach (var (slot, order, wanted) in _drafts)
        {
            ref var s = ref _table[slot];
            if (s.Phase != SequencePhase.Decoding || s.Order != order) continue; // It left, or waits.
            var computed = _decodes.ComputedOf(in s);
            var left = s.SegmentEnd - _decodes.OutputOf(in s) - 1;
            var drafts = Math.Min(Math.Min(wanted, left), Budget);
            if (drafts <= 0) continue;
            var blocks = KvBlocks.For(computed + 1 + drafts, Cache.BlockTokens) - KvBlocks.For(computed + 1, Cache.BlockTokens);
            if (blocks > Cache.FreeBlocks) continue;

            LeaveDecodes(slot, ref s);
            s.Phase = SequencePhase.Verifying;
            var reserved = Cache.TryReserve(slot, computed + 1 + drafts);
            Check.That(reserved);
            _batch.Add(slot, 1 + drafts, computed);
            Budget -= drafts;
        }

        _drafts.Clear();
    }
}
