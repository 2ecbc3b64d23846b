using Sluice.Core;

namespace Sluice.Policies;

/// <summary>What a rank may look at.</summary>
/// <param name="slot">The sequence's, for states kept by it.</param>
/// <param name="age">Output tokens produced so far.</param>
public readonly ref struct RankView(ref readonly Sequence sequence, int slot, int age, Instant now)
{
    private readonly ref readonly Sequence _sequence = ref sequence;

    public Request Request => _sequence.Request;
    public TokenEstimate Predicted => _sequence.Predicted;
    public ref readonly Sequence Sequence => ref _sequence;
    public int Slot { get; } = slot;
    public int Age { get; } = age;
    public Instant Now { get; } = now;

    /// <summary>It holds KV on the device.</summary>
    public bool IsRunning => _sequence.Phase is SequencePhase.Prefilling or SequencePhase.Decoding or SequencePhase.Paused;

    /// <summary>It holds KV: it has been chosen before and has not lost it.</summary>
    public bool HasBegun => _sequence.Phase is not SequencePhase.Waiting;
}

public sealed record RankedOptions
{
    /// <summary>How whoever ranks last gives up its blocks when they are short.</summary>
    public GiveWay GiveWay { get; init; } = GiveWay.Recompute;

    /// <summary>Steps that a sequence may be passed over before it goes first; 0 for any number.</summary>
    public int StarvedAfter { get; init; }

    /// <summary>Whoever has no token yet is not counted as passed over.</summary>
    public bool SparesNewcomers { get; init; }

    /// <summary>Steps for which a starved one then stays first.</summary>
    public int Quantum { get; init; } = 10;
}

/// <summary>Rank of a sequence, evaluated in every composed step: the lowest runs first, ties by submission order.</summary>
/// <remarks>Source of the frame: SOAP (Scully, Harchol-Balter, Scheller-Wolf, 2018), where age is service received; here it
/// is counted in output tokens.</remarks>
public interface IRank
{
    double Of(in RankView view);

    /// <summary>True if time alone never changes who is ahead of whom among those that run and those that wait.</summary>
    bool IsStable { get; }
}

/// <summary>The sequences of lowest rank run, preemptively: better ones displace worse ones between steps.</summary>
/// <remarks>
/// A displaced decode is paused and keeps its blocks while memory suffices; when it does not, whoever ranks last gives up its
/// blocks and will recompute. A prompt under way is not displaced before its first token. Each step ranks all sequences and
/// repairs the previous order by insertion, so it costs O(n) when little changes. With <see cref="GiveWay.Swap"/> blocks go to host
/// memory as long as it lasts and come back in the order of ranks, never in a step that moved others out.
/// </remarks>
public sealed class Ranked(IRank rank, RankedOptions? options = null) : IIterationScheduler
{
    private readonly bool _swaps = options?.GiveWay is GiveWay.Swap;
    private readonly StarvationGuard? _guard = options is { StarvedAfter: > 0 } ? new(options.StarvedAfter, options.Quantum) : null;
    private readonly bool _sparesNewcomers = options?.SparesNewcomers is true;
    private bool _hasSwappedIn;

    private Entry[] _order = new Entry[64];
    private int[] _waiting = new int[64];
    private long[] _listed = new long[64]; // by slot: submission order of the sequence listed, plus one
    private int _count;

    public bool IsStable => rank.IsStable && _guard is null && !_swaps;

    public IWaitingOrder WaitingOrder { get; } = new Unordered();

    public void Compose(Step step)
    {
        Rerank(step);
        var kept = _count;
        if (_count < step.Running + step.Waiting.Count + step.Swapped.Length) AppendNew(step);
        Sort(kept);
        Choose(step);
        while (!step.TryAdvanceDecodes()) GiveUp(step, Worst(step, -1));
        Fill(step);
        if (_guard is not null)
            for (var i = 0; i < _count; i++)
                if (!_sparesNewcomers || step.OutputTokens(_order[i].Sequence) > 0) _guard.Count(step, _order[i].Sequence);
    }

    /// <summary>New ranks for those of the last step that are still here, in the last step's order.</summary>
    private void Rerank(Step step)
    {
        var count = 0;
        for (var i = 0; i < _count; i++)
        {
            var entry = _order[i];
            ref readonly var s = ref step[entry.Sequence];
            if (!IsRanked(s.Phase) || s.Order != entry.Order)
            {
                if (_listed[entry.Sequence] == entry.Order + 1) _listed[entry.Sequence] = 0;
                continue;
            }

            _order[count++] = entry with { Rank = RankOf(step, entry.Sequence, in s) };
        }

        _count = count;
    }

    /// <summary>Neither gone nor out of reach: evicted, or on its way into the batch with KV from elsewhere.</summary>
    private static bool IsRanked(SequencePhase phase) =>
        phase is SequencePhase.Waiting or SequencePhase.Prefilling or SequencePhase.Decoding or SequencePhase.Paused
            or SequencePhase.Swapped;

    private void AppendNew(Step step)
    {
        var total = step.Running + step.Waiting.Count + step.Swapped.Length;
        if (_order.Length < total) Array.Resize(ref _order, total * 2);
        if (_waiting.Length < step.Waiting.Count) Array.Resize(ref _waiting, step.Waiting.Count * 2);

        for (var s = step.FirstRunning; s >= 0; s = step.NextRunning(s)) Append(step, s);
        foreach (var s in step.Swapped) Append(step, s);
        var waiting = step.Waiting.CopyTo(_waiting);
        for (var i = 0; i < waiting; i++) Append(step, _waiting[i]);
    }

    private void Append(Step step, int sequence)
    {
        ref readonly var s = ref step[sequence];
        if (sequence >= _listed.Length) Array.Resize(ref _listed, Math.Max(sequence + 1, _listed.Length * 2));
        if (_listed[sequence] == s.Order + 1) return;
        _listed[sequence] = s.Order + 1;
        _order[_count++] = new(RankOf(step, sequence, in s), s.Order, sequence);
    }

    private double RankOf(Step step, int sequence, in Sequence s) =>
        s.Phase is SequencePhase.Prefilling
            ? double.NegativeInfinity
            : _guard is not null && _guard.IsFirst(sequence, in s) ? -1e15
            : rank.Of(new RankView(in s, sequence, step.OutputTokens(sequence), step.Now));

    /// <summary>Insertion, because the old order is nearly right; a crowd of newcomers is sorted first.</summary>
    private void Sort(int kept)
    {
        if (_count - kept > 16) _order.AsSpan(kept, _count - kept).Sort(static (a, b) => a.CompareTo(b));
        for (var i = 1; i < _count; i++)
        {
            if (_order[i].CompareTo(_order[i - 1]) > 0) continue;
            var entry = _order[i];
            var at = i;
            for (; at > 0 && entry.CompareTo(_order[at - 1]) < 0; at--) _order[at] = _order[at - 1];
            _order[at] = entry;
        }
    }

    private readonly record struct Entry(double Rank, long Order, int Sequence)
    {
        public int CompareTo(in Entry other) =>
            Rank < other.Rank ? -1 : Rank > other.Rank ? 1 : Order.CompareTo(other.Order);
    }

    /// <summary>Puts the best decodes into the decoding set and takes the others out, as if every place went by
    /// rank.</summary>
    private void Choose(Step step)
    {
        var places = step.Limits.SequencesMax;
        for (var i = 0; i < _count; i++)
        {
            var sequence = _order[i].Sequence;

            // Nobody is admitted while somebody returns, so those who wait take no place from those who run.
            if (step.SomebodyReturns && step[sequence].Phase is SequencePhase.Waiting) continue;
            var isChosen = places-- > 0;
            if (isChosen && step[sequence].Phase is SequencePhase.Paused) step.Resume(sequence);
            else if (!isChosen && step[sequence].Phase is SequencePhase.Decoding) step.Pause(sequence);
        }

        _hasSwappedIn = false;
        for (var i = 0; i < _count && i < step.Limits.SequencesMax && step.Swapped.Length > 0; i++)
            if (step[_order[i].Sequence].Phase is SequencePhase.Swapped && !TryBringIn(step, _order[i].Sequence)) break;
    }

    /// <summary>Room for everybody's next block stays. Whoever ranks behind is moved out for it, and it comes in the next step; if
    /// nobody could run meanwhile, they lose their blocks and it comes at once.</summary>
    private bool TryBringIn(Step step, int sequence)
    {
        while (!step.TrySwapIn(sequence, keepFree: step.Decoding + 1))
        {
            var victim = _hasSwappedIn ? -1 : Worst(step, sequence);
            if (victim < 0) return false;
            if (step.Decoding > (step[victim].Phase is SequencePhase.Decoding ? 1 : 0))
            {
                GiveUp(step, victim);
                return false;
            }

            step.Preempt(victim);
        }

        return _hasSwappedIn = true;
    }

    private void GiveUp(Step step, int sequence)
    {
        if (!_swaps || !step.TrySwapOut(sequence)) step.Preempt(sequence);
    }

    /// <summary>Prompts of the chosen: chunks of those under way, then admissions; whoever ranks behind makes room.</summary>
    private void Fill(Step step)
    {
        var chosen = Math.Min(_count, step.Limits.SequencesMax);
        for (var i = 0; i < chosen && step.Budget > 0; i++)
        {
            var sequence = _order[i].Sequence;
            var phase = step[sequence].Phase;
            if (phase is SequencePhase.Prefilling)
            {
                while (!step.TryChunk(sequence, int.MaxValue))
                {
                    var victim = Worst(step, sequence);
                    GiveUp(step, victim >= 0 ? victim : sequence);
                    if (victim < 0) return;
                }
            }
            else if (phase is SequencePhase.Waiting)
            {
                if (step.SomebodyReturns) return; // Whoever gave way now would do so for nothing.
                while (!step.TryAdmit(sequence, int.MaxValue))
                {
                    var victim = _hasSwappedIn ? -1 : Worst(step, sequence);
                    if (victim < 0) return;
                    GiveUp(step, victim);
                }
            }
        }
    }

    /// <summary>The last by rank that holds blocks and stands behind <paramref name="sequence"/>, or -1.</summary>
    private int Worst(Step step, int sequence)
    {
        for (var i = _count - 1; i >= 0 && _order[i].Sequence != sequence; i--)
            if (step[_order[i].Sequence].Phase is not (SequencePhase.Waiting or SequencePhase.Swapped)) return _order[i].Sequence;
        return -1;
    }
}
