using System.Runtime.InteropServices;

namespace Sluice.Core;

/// <summary>What an iteration scheduler sees of its engine, and what it may do to compose the next step. One instance per
/// engine, reused.</summary>
/// <remarks>Each operation checks memory and limits itself and changes nothing when it returns false, so a scheduler is only
/// the order of its attempts.</remarks>
public sealed partial class Step
{
    private readonly SequenceTable _table;
    private readonly DecodeSet _decodes;
    private readonly RunningList _running;
    private readonly Batch _batch;
    private readonly TokenGaps _gaps;
    private readonly ReaderLag _lag;
    private readonly EngineId _engine;
    private readonly IEventSink _sink;
    private readonly List<int> _prefilling = new(16);
    private readonly List<int> _swapped = new(16);
    private readonly List<int> _heldBack = new(16);
    private readonly List<int> _returning = new(16);
    private long _swappedBetweenSteps;

    internal Step(
        EngineId engine, EngineLimits limits, SequenceTable table, DecodeSet decodes, WaitingQueue waiting, IKvCache cache,
        Batch batch, TokenGaps gaps, ReaderLag lag, IStepTimeModel stepTime, IEventSink sink)
    {
        (_engine, Limits, _table, _decodes, Waiting, Cache) = (engine, limits, table, decodes, waiting, cache);
        (_batch, _gaps, _lag, StepTime, _sink, _running) = (batch, gaps, lag, stepTime, sink, new RunningList(table));
    }

    public EngineLimits Limits { get; }

    /// <summary>When the step begins.</summary>
    public Instant Now { get; private set; }

    /// <summary>Tokens that may still be added to this step.</summary>
    public int Budget { get; private set; }

    public WaitingQueue Waiting { get; }
    public IKvCache Cache { get; }

    /// <summary>Sums over what the step computes so far.</summary>
    public ref readonly BatchShape Shape => ref _batch.Shape;

    /// <summary>Sequences that hold device KV: decoding, in prefill, paused, or held after their end.</summary>
    public int Running => _running.Count;

    /// <summary>Sequences that hold device KV without advancing.</summary>
    public int Paused { get; private set; }

    /// <summary>Somebody who has KV already waits for room in the batch; nobody is admitted before.</summary>
    public bool HasReturning => _returning.Count > 0;

    /// <summary>Sequences in the decoding set.</summary>
    public int Decoding => _decodes.Count;

    /// <summary>Sequences in prefill, in order of admission.</summary>
    public ReadOnlySpan<int> Prefilling => CollectionsMarshal.AsSpan(_prefilling);

    /// <summary>Sequences whose KV is in host memory, in the order they went there.</summary>
    public ReadOnlySpan<int> Swapped => CollectionsMarshal.AsSpan(_swapped);

    /// <summary>True while a sequence that has its KV elsewhere waits for room here: nobody is admitted before it.</summary>
    public bool SomebodyReturns => _returning.Count > 0;

    /// <summary>True once somebody lost its blocks in this step.</summary>
    public bool SomeoneGaveWay { get; private set; }

    /// <summary>Running sequences in order of admission; -1 at the ends.</summary>
    public int FirstRunning => _running.First;

    public int LastRunning => _running.Last;

    internal int HeldCount { get; private set; }
    internal long HeldContext { get; set; }

    public ref readonly Sequence this[int sequence] => ref _table[sequence];

    public int NextRunning(int sequence) => _table[sequence].Next;
    public int PreviousRunning(int sequence) => _table[sequence].Previous;

    public int OutputTokens(int sequence)
    {
        ref var s = ref _table[sequence];
        return s.Phase == SequencePhase.Decoding ? _decodes.OutputOf(in s) : s.Output;
    }

    public int ComputedTokens(int sequence)
    {
        ref var s = ref _table[sequence];
        return s.Phase == SequencePhase.Decoding ? _decodes.ComputedOf(in s) : s.Computed;
    }

    /// <summary>Tokens known but not computed: 1 when decoding, more in prefill or when recomputing.</summary>
    public int BehindTokens(int sequence)
    {
        ref var s = ref _table[sequence];
        return s.Phase == SequencePhase.Decoding ? 1 : s.Known - s.Computed;
    }

    /// <summary>Tokens of the sequence's prompt that the prefix cache would spare it.</summary>
    public int CachedTokens(int sequence) => Cache.CachedTokens(_table[sequence].Request);

    /// <summary>Gives every member of the decoding set one token. Members beyond the budget, latest admitted first, are left
    /// out of this one step.</summary>
    /// <returns>False, and nothing changed, if the blocks they need are short: let somebody give way and try again.</returns>
    public bool TryAdvanceDecodes()
    {
        Check.That(!_batch.AdvancesDecodes);
        if (_decodes.Count == 0) return true;
        for (var s = _running.Last; _decodes.Count > Budget && s >= 0; s = _table[s].Previous)
        {
            if (_table[s].Phase != SequencePhase.Decoding) continue;
            Pause(s);
            _heldBack.Add(s);
        }

        if (_decodes.Count == 0) return true;
        while (!_decodes.TryTakeBlocks())
            if (!TryGiveUpKept()) return false;

        Budget -= _decodes.Count;
        AddDrafts();
        _batch.AdvancesDecodes = _decodes.Count > 0;
        ref var shape = ref _batch.MutableShape;
        shape.DecodeSequences = _decodes.Count + HeldCount;
        shape.ContextTokens = _decodes.ContextTokens + HeldContext;
        return true;
    }

    /// <summary>Computes up to <paramref name="tokens"/> more tokens of a sequence in prefill.</summary>
    /// <returns>False, and nothing changed, if blocks are short.</returns>
    public bool TryChunk(int sequence, int tokens)
    {
        ref var s = ref _table[sequence];
        Check.That(s.Phase == SequencePhase.Prefilling);
        tokens = Math.Min(Math.Min(tokens, Budget), s.Known - s.Computed);
        Check.That(tokens > 0);
        while (!Cache.TryReserve(sequence, s.Computed + tokens))
            if (!TryGiveUpKept()) return false;

        AddChunk(sequence, ref s, tokens);
        return true;
    }

    /// <summary>Takes a waiting sequence into the batch with its first chunk of up to <paramref name="tokens"/>.</summary>
    /// <param name="wholePrompt">Reserve room for everything known of it at once, not only for the first chunk.</param>
    /// <param name="keepFree">Blocks that must stay free after admission while somebody else runs (a watermark).</param>
    /// <returns>False, and nothing changed, if the batch is full, tokens or blocks are short, or a sequence that already has
    /// its KV waits for room.</returns>
    public bool TryAdmit(int sequence, int tokens, bool wholePrompt = false, int keepFree = 0)
    {
        ref var s = ref _table[sequence];
        Check.That(s.Phase == SequencePhase.Waiting);
        if (_returning.Count > 0 || IsFull) return false;

        var cached = Cache.CachedTokens(s.Request);
        tokens = Math.Min(Math.Min(tokens, Budget), s.Known - cached);
        if (tokens <= 0) return false;

        var room = wholePrompt ? s.Known : cached + tokens;
        if (keepFree > 0 && Running > 0)
        {
            var blocks = KvBlocks.For(room, Cache.BlockTokens) - cached / Cache.BlockTokens;
            if (Cache.FreeBlocks - blocks < keepFree) return false;
        }

        if (!Cache.TryAdmit(sequence, s.Request, room)) return false;

        var taken = Waiting.Take(sequence);
        Check.That(taken);
        s.Phase = SequencePhase.Prefilling;
        s.Computed = cached;
        _running.Append(sequence);
        _prefilling.Add(sequence);
        if (!s.HasStarted)
        {
            s.HasStarted = true;
            Emit(EventKind.Started, in s, cached);
        }

        AddChunk(sequence, ref s, tokens);
        return true;
    }

    /// <summary>Takes a running sequence's blocks; it goes back to the front of the queue and recomputes later. What this
    /// step had planned for it is taken out again.</summary>
    public void Preempt(int sequence)
    {
        ref var s = ref _table[sequence];
        TakeOutOfBatch(sequence, ref s);
        Cache.Release(sequence);
        Emit(EventKind.Preempted, in s, s.Computed);
        s.Computed = 0;
        s.Preemptions++;
        Waiting.Enqueue(sequence, atFront: true);
    }

    /// <summary>Moves a running sequence's blocks to host memory.</summary>
    /// <returns>False, and nothing changed, if host memory is short or nothing of it is computed yet.</returns>
    public bool TrySwapOut(int sequence)
    {
        ref var s = ref _table[sequence];
        if (ComputedTokens(sequence) == 0 || !CanSwapOut(sequence)) return false;

        TakeOutOfBatch(sequence, ref s);
        var moved = Cache.TrySwapOut(sequence);
        Check.That(moved);
        s.Phase = SequencePhase.Swapped;
        s.Preemptions++;
        _swapped.Add(sequence);
        _batch.MutableShape.SwappedTokens += s.Computed;
        Emit(EventKind.SwappedOut, in s, s.Computed);
        return true;
    }

    /// <summary>Brings a sequence back from host memory; it decodes on, or goes on with its prefill.</summary>
    /// <returns>False, and nothing changed, if the batch is full or blocks are short.</returns>
    public bool TrySwapIn(int sequence, int keepFree = 0)
    {
        ref var s = ref _table[sequence];
        Check.That(s.Phase == SequencePhase.Swapped && !_batch.AdvancesDecodes);
        if (IsFull) return false;
        var blocks = (s.Computed + Cache.BlockTokens) / Cache.BlockTokens; // Room to go on by a token.
        if (Cache.FreeBlocks - blocks < (Running > 0 ? keepFree : 0) || !Cache.TrySwapIn(sequence, s.Computed)) return false;

        _swapped.Remove(sequence);
        _batch.MutableShape.SwappedTokens += s.Computed;
        Emit(EventKind.SwappedIn, in s, s.Computed);
        Rejoin(sequence, ref s);
        return true;
    }

    /// <summary>Keeps a decoding sequence out of the following steps; it keeps its blocks. Only before decodes are
    /// advanced.</summary>
    public void Pause(int sequence)
    {
        Check.That(!_batch.AdvancesDecodes);
        ref var s = ref _table[sequence];
        LeaveDecodes(sequence, ref s);
        s.Phase = SequencePhase.Paused;
        Paused++;
    }

    /// <summary>Lets a paused sequence decode again. Only before decodes are advanced.</summary>
    public void Resume(int sequence)
    {
        Check.That(!_batch.AdvancesDecodes);
        ref var s = ref _table[sequence];
        Check.That(s.Phase == SequencePhase.Paused);
        Paused--;
        JoinDecodes(sequence, ref s);
    }

    /// <summary>Lets this step compute more tokens than its budget: engines without chunked prefill take a prompt whole or
    /// not at all.</summary>
    public void WidenBudget(int tokens) => Budget = Math.Max(Budget, tokens);

    /// <summary>Lets this step compute fewer tokens than its budget, because it must not take long.</summary>
    public void NarrowBudget(int tokens) => Budget = Math.Min(Budget, tokens);

    internal void Begin(EngineTime now)
    {
        Now = now.Instant;
        Budget = Limits.TokenBudget;
        SomeoneGaveWay = false;
        _batch.Clear();
        _batch.MutableShape.SwappedTokens = _swappedBetweenSteps;
        _swappedBetweenSteps = 0;
        while (_returning.Count > 0 && TryBringBack(_returning[0])) _returning.RemoveAt(0);
    }

    /// <summary>Lets those left out of the last step for want of budget decode again.</summary>
    internal void ReturnHeldBack()
    {
        foreach (var s in _heldBack)
            if (_table[s].Phase == SequencePhase.Paused) Resume(s);
        _heldBack.Clear();
    }

    internal bool HasHeldBack => _heldBack.Count > 0;

    internal void ForgetHeldBack() => _heldBack.Clear();

    /// <summary>The batch holds as many sequences as it may.</summary>
    internal bool IsFull => _running.Count - Paused >= Limits.SequencesMax;

    /// <summary>Takes in a sequence that has all its KV.</summary>
    internal void Join(int slot, ref Sequence s)
    {
        _running.Append(slot);
        JoinDecodes(slot, ref s);
    }

    internal void JoinDecodes(int slot, ref Sequence s)
    {
        _decodes.Join(slot);
        _gaps.Join(s.LastTokenAt);
    }

    /// <summary>The decoding set is about to take steps.</summary>
    internal void AdvanceLag(long steps, EngineTime first, EngineTime last)
    {
        _lag.Advance(_decodes.Clock, steps, first, last);
        if (!_lag.IsFull) return;

        var oldestJoin = _decodes.Clock;
        for (var s = _running.First; s >= 0; s = _table[s].Next)
            if (_table[s].Phase == SequencePhase.Decoding) oldestJoin = Math.Min(oldestJoin, _table[s].JoinedAtClock);
        _lag.ForgetBefore(oldestJoin);
    }

    /// <summary>A sequence's prefill is done: it stands in no list but the running one.</summary>
    internal void EndPrefill(int slot) => _prefilling.Remove(slot);

    /// <summary>Keeps a finished sequence in the batch.</summary>
    internal void Hold(int slot, ref Sequence s)
    {
        if (s.Phase == SequencePhase.Decoding) LeaveDecodes(slot, ref s);
        s.Phase = SequencePhase.Held;
        HeldCount++;
        HeldContext += s.Known;
    }

    /// <summary>Takes a sequence out of whatever list it stands in and gives back its memory. Between steps only.</summary>
    /// <returns>False if the slot must not be freed yet, because its place in the waiting queue is only marked.</returns>
    internal bool Retire(int slot, ref Sequence s)
    {
        if (s.Phase == SequencePhase.Decoding) LeaveDecodes(slot, ref s);
        _lag.Tell(s.Request.Id, s.WorstLag);
        switch (s.Phase)
        {
            case SequencePhase.Waiting:
                if (Waiting.Take(slot)) return true;
                s.Phase = SequencePhase.Removed;
                return false;
            case SequencePhase.Swapped:
                _swapped.Remove(slot);
                Cache.ReleaseSwapped(slot);
                return true;
            case SequencePhase.Parked:
                Cache.ReleaseSwapped(slot);
                return true;
            case SequencePhase.Returning:
                _returning.Remove(slot);
                if (s.IsPreserved) Cache.Release(slot);
                else if (!s.IsMigrating) Cache.ReleaseSwapped(slot);
                return true;
            case SequencePhase.Calling:
                _calling.Remove(slot);
                if (s.Handling is CallHandling.Preserve) Cache.Release(slot);
                else if (s.Handling is CallHandling.Swap) Cache.ReleaseSwapped(slot);
                return true;
            case SequencePhase.Prefilling:
                _prefilling.Remove(slot);
                break;
            case SequencePhase.Paused:
                Paused--;
                break;
            case SequencePhase.Held:
                HeldCount--;
                HeldContext = HeldCount == 0 ? 0 : HeldContext - s.Known;
                break;
        }

        _running.Remove(slot);
        Cache.Release(slot);
        return true;
    }

    private void TakeOutOfBatch(int slot, ref Sequence s)
    {
        SomeoneGaveWay = true;
        if (s.Phase == SequencePhase.Decoding)
        {
            LeaveDecodes(slot, ref s);
            if (_batch.AdvancesDecodes)
            {
                ref var shape = ref _batch.MutableShape;
                shape.DecodeSequences--;
                shape.ContextTokens -= s.Known;
                Budget++;
                Cache.Rewind(slot, s.Computed); // The block it was given for this step, which it does not take.
                if (_decodes.Count == 0) _batch.AdvancesDecodes = false;
            }
        }
        else if (s.Phase == SequencePhase.Prefilling)
        {
            Budget += _batch.Remove(slot, s.Computed);
            Cache.Rewind(slot, s.Computed);
            _prefilling.Remove(slot);
        }
        else if (s.Phase == SequencePhase.Verifying)
        {
            Budget += _batch.Remove(slot, s.Computed);
            Cache.Rewind(slot, s.Computed);
        }
        else
        {
            Check.That(s.Phase == SequencePhase.Paused);
            Paused--;
        }

        _running.Remove(slot);
    }

    private void LeaveDecodes(int slot, ref Sequence s)
    {
        s.LastTokenAt = _gaps.Leave(s.JoinedAtClock == _decodes.Clock, s.LastTokenAt);
        if (_lag.IsOn) s.WorstLag = Math.Max(s.WorstLag, _lag.Since(s.JoinedAtClock, s.Request, s.OutputOffset));
        _decodes.Leave(slot);
    }

    private void AddChunk(int slot, ref Sequence s, int tokens)
    {
        _batch.Add(slot, tokens, s.Computed);
        Budget -= tokens;
        if (s.Request.Media is { } media && !s.IsEncoded)
        {
            s.IsEncoded = true;
            if (media.Kind is MediaKind.Video) _batch.MutableShape.VideoTokens += media.EncoderTokens;
            else _batch.MutableShape.EncoderTokens += media.EncoderTokens;
        }
    }

    private void Emit(EventKind kind, in Sequence s, int amount) =>
        _sink.Emit(new(Now, s.Request.Id, _engine, amount, kind));
}
