using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Static batches of requests whose predicted answers are alike, as many as memory holds; whoever answers at greater length is
/// taken out and runs again with those of twice the length.</summary>
/// <remarks>
/// Source: Zheng et al., "Response Length Perception and Sequence Scheduling" (NeurIPS 2023), which has the model itself say how long
/// its answer will be, as told by the survey of Kossmann et al. (arXiv 2410.17840) [R]. The price of asking is not charged. Lengths
/// are alike if they fall between the same powers of two times the least [I]. The next batch is of whoever came first and those like
/// it, by arrival, so that nobody starves [I]; how many follows from memory (variable batch size). Prompts go whole and in one step,
/// and answers that end early stay as padding until the batch ends, as in <see cref="StaticBatching"/>. O(batch) per step,
/// O(n log n) per batch.
/// </remarks>
/// <param name="leastTokens">Answers up to so long are alike, at least 1.</param>
public sealed class Pia(int leastTokens) : IIterationScheduler
{
    private readonly SequenceStates<int> _lengths = new(); // most tokens of answer; 0 for a sequence not seen yet
    private readonly Comparison<Entry> _byArrival = static (a, b) => (a.Arrival, a.Order).CompareTo((b.Arrival, b.Order));
    private int[] _waiting = new int[64];
    private Entry[] _order = new Entry[64];

    /// <summary>A decode outgrows its batch while nobody comes or goes.</summary>
    public bool IsStable => false;

    public bool RetiresTogether => true;
    public IWaitingOrder WaitingOrder { get; } = new Unordered();

    public void Compose(Step step)
    {
        if (step.Running > 0)
        {
            TakeOutOutgrown(step);
            while (!step.TryAdvanceDecodes()) step.Preempt(LastUnfinished(step));
            if (step.Running > 0) return;
        }

        step.WidenBudget(int.MaxValue);
        Admit(step);
    }

    private void TakeOutOutgrown(Step step)
    {
        for (var s = step.FirstRunning; s >= 0;)
        {
            var next = step.NextRunning(s);
            var length = Length(step, s);
            if (step[s].Phase is SequencePhase.Decoding && step.OutputTokens(s) >= length && length < step[s].Request.MaxOutputTokens)
            {
                _lengths.Set(s, in step[s], S3.BucketOf(step.OutputTokens(s) + 1, 2 * length));
                step.Preempt(s);
            }

            s = next;
        }
    }

    private static int LastUnfinished(Step step)
    {
        var last = step.LastRunning;
        while (step[last].Phase is SequencePhase.Held) last = step.PreviousRunning(last);
        return last;
    }

    private void Admit(Step step)
    {
        if (_waiting.Length < step.Waiting.Count)
            (_waiting, _order) = (new int[step.Waiting.Count * 2], new Entry[step.Waiting.Count * 2]);
        var count = step.Waiting.CopyTo(_waiting);
        if (count == 0) return;
        for (var i = 0; i < count; i++)
        {
            ref readonly var s = ref step[_waiting[i]];
            _order[i] = new(s.Request.Arrival.Ticks, s.Order, _waiting[i]);
        }

        _order.AsSpan(0, count).Sort(_byArrival);
        var (length, blocks) = (Length(step, _order[0].Sequence), 0L);
        for (var i = 0; i < count; i++)
        {
            var sequence = _order[i].Sequence;
            if (Length(step, sequence) != length) continue;
            ref readonly var s = ref step[sequence];
            blocks += KvBlocks.For(s.GivenTokens + Math.Min(length, s.Request.MaxOutputTokens), step.Cache.BlockTokens);
            if (blocks > step.Cache.TotalBlocks && i > 0) break;
            if (!step.TryAdmit(sequence, int.MaxValue, wholePrompt: true)) break;
        }
    }

    private int Length(Step step, int sequence)
    {
        ref readonly var s = ref step[sequence];
        var length = _lengths.Of(sequence, in s);
        if (length == 0) _lengths.Set(sequence, in s, length = S3.BucketOf(s.Predicted.Mean, leastTokens));
        return length;
    }

    private readonly record struct Entry(long Arrival, long Order, int Sequence);
}
