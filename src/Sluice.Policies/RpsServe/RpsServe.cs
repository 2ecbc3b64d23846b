using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Rocks, pebbles and sand: text passes images and videos on one engine, and everybody ages.</summary>
/// <remarks>
/// Source: Papaioannou and Doudali, "Rocks, Pebbles and Sand" (arXiv 2603.26498), and its artifact. A step ranks everybody who runs or
/// waits by score (<see cref="PriorityRegulator"/>), ties by arrival, and walks down while it has tokens: decodes take one, prompts a
/// chunk, waiting ones are admitted. Blocks that are short are taken from the last who holds any, never from one ahead.
/// Ours: in the artifact a running request that is reached when the tokens are used up loses its blocks and recomputes, which here
/// costs the engine more than it has wherever prompts fill steps; by default it keeps them and skips the step. Inferred: places in
/// the batch go by rank too; whoever lost its blocks for want of memory comes back in a later step at the earliest, and nobody is
/// admitted after it in this one. The encoder cache is not simulated; what never fits is refused before. O(n log n) per step.
/// </remarks>
public sealed class RpsServe(RpsOptions options, SizeClassifier classifier) : IIterationScheduler
{
    private readonly PriorityRegulator _regulator = new(options);
    private readonly SequenceStates<(bool IsKnown, SizeClass Class)> _classes = new();
    private Entry[] _order = new Entry[64];
    private int[] _waiting = new int[64];
    private int _count;

    /// <summary>Ages change the order.</summary>
    public bool IsStable => false;

    public IWaitingOrder WaitingOrder { get; } = new Unordered();

    public void Compose(Step step)
    {
        List(step);
        Rank(step);
        Choose(step);
        var isShort = false;
        for (; !step.TryAdvanceDecodes(); isShort = true) step.Preempt(Last(step, -1));
        Fill(step, isShort);
    }

    private void List(Step step)
    {
        var total = step.Running + step.Waiting.Count;
        if (_order.Length < total) Array.Resize(ref _order, total * 2);
        if (_waiting.Length < step.Waiting.Count) Array.Resize(ref _waiting, step.Waiting.Count * 2);

        _count = 0;
        for (var s = step.FirstRunning; s >= 0; s = step.NextRunning(s)) Add(step, s);
        var waiting = step.Waiting.CopyTo(_waiting);
        for (var i = 0; i < waiting; i++) Add(step, _waiting[i]);
    }

    private void Add(Step step, int sequence)
    {
        ref readonly var s = ref step[sequence];
        var (isKnown, of) = _classes.Of(sequence, in s);
        if (!isKnown) _classes.Set(sequence, in s, (true, of = classifier.Of(s.Request)));
        _regulator.Count(of, AgeOf(step, in s));
        _order[_count++] = new(0, s.Request.Arrival.Ticks, s.Order, sequence, of, false);
    }

    private void Rank(Step step)
    {
        _regulator.EndCount();
        for (var i = 0; i < _count; i++)
        {
            ref var entry = ref _order[i];
            entry = entry with { Score = _regulator.Score(entry.Class, AgeOf(step, in step[entry.Sequence])) };
        }

        _order.AsSpan(0, _count).Sort(static (a, b) => a.CompareTo(b));
    }

    private static double AgeOf(Step step, in Sequence s) => Math.Max(0, (step.Now - s.Request.Arrival).TotalSeconds);

    /// <summary>Deals tokens and places by rank; who runs and gets none gives way.</summary>
    private void Choose(Step step)
    {
        var (budget, places) = (step.Budget, step.Limits.SequencesMax);
        for (var i = 0; i < _count; i++)
        {
            ref var entry = ref _order[i];
            var isWaiting = step[entry.Sequence].Phase is SequencePhase.Waiting;
            if (isWaiting && step.SomebodyReturns) continue;
            if (budget > 0 && places > 0)
            {
                var cached = isWaiting ? step.CachedTokens(entry.Sequence) : 0;
                budget -= Math.Min(budget, step.BehindTokens(entry.Sequence) - cached);
                places--;
                entry = entry with { IsChosen = true };
                if (step[entry.Sequence].Phase is SequencePhase.Paused) step.Resume(entry.Sequence);
            }
            else if (!isWaiting)
            {
                StepBack(step, entry.Sequence, hasPlace: places > 0);
            }
        }
    }

    /// <summary>Gets no token in this step. A prompt under way that keeps its blocks keeps its place as well.</summary>
    private void StepBack(Step step, int sequence, bool hasPlace)
    {
        var phase = step[sequence].Phase;
        if (!options.KeepsBlocks || (phase is SequencePhase.Prefilling && !hasPlace)) step.Preempt(sequence);
        else if (phase is SequencePhase.Decoding) step.Pause(sequence);
    }

    /// <summary>Prompts of the chosen, the best first; whoever ranks behind makes room.</summary>
    /// <param name="isShort">Somebody lost its blocks for want of memory in this step: nobody is admitted.</param>
    private void Fill(Step step, bool isShort)
    {
        for (var i = 0; i < _count && step.Budget > 0; i++)
        {
            if (!_order[i].IsChosen) continue;
            var sequence = _order[i].Sequence;
            var phase = step[sequence].Phase;
            if (phase is SequencePhase.Prefilling)
            {
                while (!step.TryChunk(sequence, int.MaxValue))
                {
                    isShort = true;
                    var last = Last(step, sequence);
                    step.Preempt(last >= 0 ? last : sequence);
                    if (last < 0) return;
                }
            }
            else if (phase is SequencePhase.Waiting && !isShort)
            {
                while (!step.TryAdmit(sequence, int.MaxValue))
                {
                    isShort = true;
                    var last = Last(step, sequence);
                    if (last < 0) return;
                    step.Preempt(last);
                }
            }
        }
    }

    /// <summary>The last by rank that holds blocks and stands behind <paramref name="sequence"/>, or -1.</summary>
    private int Last(Step step, int sequence)
    {
        for (var i = _count - 1; i >= 0 && _order[i].Sequence != sequence; i--)
            if (step[_order[i].Sequence].Phase is not SequencePhase.Waiting) return _order[i].Sequence;
        return -1;
    }

    private readonly record struct Entry(double Score, long Arrival, long Order, int Sequence, SizeClass Class, bool IsChosen)
    {
        /// <summary>The largest score first.</summary>
        public int CompareTo(in Entry other) =>
            Score != other.Score ? other.Score.CompareTo(Score)
            : Arrival != other.Arrival ? Arrival.CompareTo(other.Arrival)
            : Order.CompareTo(other.Order);
    }
}
