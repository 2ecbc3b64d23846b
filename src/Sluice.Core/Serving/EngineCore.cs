namespace Sluice.Core;

/// <summary>The iteration loop of one engine: it holds sequences, lets the scheduler compose a step, has the runner run it,
/// and turns the outcome into events.</summary>
/// <remarks>
/// Not thread-safe by design. A driver calls <see cref="Turn"/> at <see cref="NextTurn"/> and may submit and cancel at any
/// time in between. Where the step time has a closed form and the scheduler's decision is stable, one turn takes many
/// steps, up to the next end, block shortage or arrival, with results identical to single steps.
/// </remarks>
public sealed partial class EngineCore
{
    /// <summary>Steps taken at once; keeps sums of femtoseconds far from overflow.</summary>
    private const long StretchMax = 4096;

    private readonly IIterationScheduler _scheduler;
    private readonly IModelRunner _runner;
    private readonly IKvCache _cache;
    private readonly IEventSink _sink;
    private readonly SequenceTable _table = new();
    private readonly IdMap _slots = new();
    private readonly Batch _batch;
    private readonly DecodeSet _decodes;
    private readonly Step _step;
    private readonly IdMap _parked = new();
    private readonly List<(RequestId Request, EventKind How)> _leaves = new(16);
    private readonly List<int> _held = new(16);
    private readonly EngineLimits _limits;
    private readonly LearnedStepTime? _learned;

    private bool _stepping;
    private EngineTime _begin;
    private long _stepTime; // of the first step of the stretch
    private long _increment; // added to each following one
    private long _stretch;
    private EngineTime _end;
    private long _submitted;
    private long _sliceBegan; // Iterations when the batch under way began

    public EngineCore(
        EngineId id, EngineLimits limits, IIterationScheduler scheduler, IKvCache cache, IModelRunner runner, IEventSink sink)
    {
        (Id, _limits, _scheduler, _cache, _runner, _sink) = (id, limits, scheduler, cache, runner, sink);
        _decodes = new DecodeSet(_table, cache);
        _batch = new Batch(_table, _decodes);
        Waiting = new WaitingQueue(_table, scheduler.WaitingOrder);
        _learned = runner.ClosedForm is null ? new LearnedStepTime() : null;
        IStepTimeModel stepTime = runner.ClosedForm is { } known ? known : _learned!;
        _step = new Step(id, limits, _table, _decodes, Waiting, cache, _batch, Gaps, Lag, stepTime, sink);
    }

    public EngineId Id { get; }
    public TokenGaps Gaps { get; } = new();
    public ReaderLag Lag { get; } = new();
    public WaitingQueue Waiting { get; }

    /// <summary>When <see cref="Turn"/> is due; <see cref="Instant.Never"/> while there is nothing to do.</summary>
    public Instant NextTurn { get; private set; } = Instant.Never;

    /// <summary>Sequences submitted and not yet ended.</summary>
    public int Outstanding => _slots.Count;

    public bool IsStepping => _stepping;

    /// <summary>Something is submitted and not ended, or about to leave.</summary>
    public bool HasWork => _slots.Count > 0 || _leaves.Count > 0;

    public bool Holds(RequestId request) => _slots.TryGet(request, out _);

    public int Running => _step.Running;
    public int FreeBlocks => _cache.FreeBlocks;
    public int TotalBlocks => _cache.TotalBlocks;
    public int BlockTokens => _cache.BlockTokens;

    /// <summary>Steps completed.</summary>
    public long Iterations { get; private set; }

    /// <summary>Tokens computed in prefill, recomputation included.</summary>
    public long PrefillTokens { get; private set; }

    public long OutputTokens { get; private set; }

    /// <summary>KV slots that hold a computed token, of what decodes and prefills.</summary>
    public long LiveTokens
    {
        get
        {
            var live = _decodes.ContextTokens - _decodes.Count;
            for (var s = _step.FirstRunning; s >= 0; s = _table[s].Next)
                if (_table[s].Phase != SequencePhase.Decoding) live += _table[s].Computed;
            return live;
        }
    }

    /// <summary>Sequences that decode now, and the tokens they attend to in all.</summary>
    public (int Sequences, long ContextTokens) DecodeLoad => (_decodes.Count, _decodes.ContextTokens);

    /// <summary>Takes in a request. It waits in the engine's queue until a step admits it.</summary>
    /// <param name="outputLimit">Tokens after which it ends, at least 1.</param>
    /// <param name="outputTokens">Tokens it has produced elsewhere already; they are computed again like prompt.</param>
    /// <param name="mayDecline">The scheduler may hand it back.</param>
    /// <param name="calls">Tools it calls, in order; those it has passed are taken as answered. They need a cache that grows.</param>
    /// <returns>False if the engine could never hold it; nothing is kept of it then.</returns>
    public bool TrySubmit(
        Instant now, Request request, TokenEstimate predicted, int outputLimit, int outputTokens = 0, bool mayDecline = false,
        ToolCall[]? calls = null)
    {
        Check.That(outputLimit > outputTokens);
        if (!CanEverHold(request, outputLimit, calls)) return false;

        Synchronise(now);
        if (!_stepping) NextTurn = now;
        if (_parked.Remove(request.Id, out var parked))
        {
            _slots.Add(request.Id, parked);
            _step.Return(parked);
            return true;
        }

        var slot = Take(now, request, predicted, outputLimit, outputTokens, calls);
        _table[slot].MayDecline = mayDecline;
        Waiting.Enqueue(slot, atFront: false);
        return true;
    }

    /// <summary>Takes in a sequence that was moved here with its KV; it joins the batch at the next step that has
    /// room.</summary>
    /// <param name="computed">Tokens whose KV came with it, at least 1.</param>
    /// <returns>False if the engine could never hold it.</returns>
    public bool TryAttach(
        Instant now, Request request, TokenEstimate predicted, int outputLimit, int outputTokens, int computed,
        ToolCall[]? calls = null)
    {
        if (!CanEverHold(request, outputLimit, calls)) return false;

        Synchronise(now);
        if (!_stepping) NextTurn = now;
        var slot = Take(now, request, predicted, outputLimit, outputTokens, calls);
        ref var s = ref _table[slot];
        (s.Computed, s.IsMigrating, s.HasStarted) = (computed, true, true);
        _step.Return(slot);
        return true;
    }

    private int Take(
        Instant now, Request request, TokenEstimate predicted, int outputLimit, int outputTokens, ToolCall[]? calls = null)
    {
        var slot = _table.Allocate();
        ref var s = ref _table[slot];
        s.Request = request;
        s.Predicted = predicted;
        s.OutputLimit = outputLimit;
        s.Output = outputTokens;
        s.Calls = calls;
        for (; calls is not null && s.CallsMade < calls.Length && calls[s.CallsMade].After <= outputTokens; s.CallsMade++)
            s.ToolTokens += calls[s.CallsMade].ResponseTokens;
        s.LastTokenAt = EngineTime.At(now);
        s.FirstTokenAt = Instant.Never;
        s.WorstLag = long.MinValue;
        s.Order = _submitted++;
        _slots.Add(request.Id, slot);
        return slot;
    }

    /// <summary>Forgets every cached prefix, because the weights are loaded anew.</summary>
    public void ForgetPrefixes() => _cache.ForgetPrefixes();

    /// <summary>Progress of a request the engine holds: output tokens, and tokens whose KV is computed.</summary>
    public (int Output, int Computed) ProgressOf(RequestId request)
    {
        var isHere = _slots.TryGet(request, out var slot);
        Check.That(isHere);
        return (_step.OutputTokens(slot), _step.ComputedTokens(slot));
    }

    /// <summary>Ends the step under way, if any, and begins the next. Call at <see cref="NextTurn"/>.</summary>
    public void Turn()
    {
        var now = _stepping ? _end : EngineTime.At(NextTurn);
        EndStep();
        Begin(now);
    }

    /// <summary>The first half of a turn, for engines that share a device.</summary>
    public void EndStep()
    {
        var now = _stepping ? _end : EngineTime.At(NextTurn);
        if (_stepping) EndStretch();
        LetLeave(now);
        NextTurn = Instant.Never;
    }

    /// <summary>The second half of a turn, at any later instant.</summary>
    public void BeginStep(Instant now)
    {
        LetLeave(EngineTime.At(now)); // Who asked to leave while it waited for the device.
        Begin(EngineTime.At(now));
    }

    /// <summary>Brings a stretch of steps up to date and cuts it short after the step under way, because something is about
    /// to change.</summary>
    /// <param name="hasTurned">True if a step that ends at <paramref name="now"/> has had its turn already, so that the next
    /// one is under way.</param>
    public void Synchronise(Instant now, bool hasTurned = false)
    {
        if (!_stepping || _stretch == 1 || _end.Instant <= now) return;

        var done = StepsEndedBefore(hasTurned ? new(now.Ticks + 1) : now);
        if (done > 0)
        {
            var newBegin = _begin.Plus(TimeOf(done));
            CompleteDecodes(done, newBegin, takeNext: true);
            _begin = newBegin;
            _stepTime += _increment * done;
        }

        _stretch = 1;
        _end = _begin.Plus(_stepTime);
        NextTurn = _end.Instant;
    }

    /// <summary>The engine dies: everything it held is gone without an event of its own.</summary>
    /// <param name="onLost">Told of each request lost and the output tokens it had. One whose answer was complete but kept
    /// back (static batching) has its last token to do again.</param>
    public void Lose(Instant now, Action<Request, int> onLost)
    {
        Synchronise(now);
        _stepping = false;
        _leaves.Clear();
        _held.Clear();
        _step.ForgetHeldBack();
        for (var slot = 0; slot < _table.Used; slot++)
        {
            ref var s = ref _table[slot];
            if (s.Phase is SequencePhase.Free or SequencePhase.Removed) continue;
            var (request, output, outputMax) = (s.Request, _step.OutputTokens(slot), s.OutputLimit - 1);
            var wasParked = _parked.Remove(request.Id, out _);
            if (!wasParked) _slots.Remove(request.Id, out _);
            if (_step.Retire(slot, ref s)) _table.Free(slot);
            if (!wasParked) onLost(request, Math.Min(output, outputMax));
        }

        _cache.ForgetPrefixes();
        NextTurn = Instant.Never;
    }

    private void Begin(EngineTime now)
    {
        EndCalls(now.Instant);
        _step.Begin(now);
        _step.ReturnHeldBack();
        _scheduler.Compose(_step);
        if (_batch.IsEmpty && _step.HeldCount > 0)
        {
            // Whoever kept the batch open left or gave way: it is over.
            ReleaseHeld(now);
            ComposeAgain(now);
        }

        // Who keeps memory only for a tool's return must not keep everybody out.
        while (_batch.IsEmpty && _slots.Count - _step.Declined.Count > _step.Calling && _step.MakesRoom()) ComposeAgain(now);

        var handedBack = HandBack(now);
        if (_batch.IsEmpty)
        {
            // With nobody running, memory is free and whoever is next can be admitted: an idle engine has no work, but for
            // what came in exchange for those handed back.
            var isIdle = _slots.Count == _step.Calling;
            Check.That(isIdle || handedBack > 0);
            NextTurn = isIdle ? _step.NextReturn : now.Instant;
            return;
        }

        _stepping = true;
        _begin = now;
        _stepTime = _runner.Run(_batch);
        _learned?.Observe(in _batch.Shape, _stepTime);
        _increment = 0;
        _stretch = 1;
        if (CanSkip())
        {
            _increment = _runner.ClosedForm!.PerContextToken * _batch.Shape.DecodeSequences;
            var most = Math.Min(Math.Min(StretchMax, StepsLeftOfSlice), _decodes.StepsToFirstEnd);
            _stretch = 1 + _decodes.StepsWithinBlocks(most - 1);
            if (_step.Calling > 0) _stretch = 1 + StepsEndedBefore(_step.NextReturn);
        }

        _end = _begin.Plus(TimeOf(_stretch));
        NextTurn = _end.Instant;
    }

    private void ComposeAgain(EngineTime now)
    {
        var swapped = _batch.Shape.SwappedTokens;
        _step.Begin(now);
        _batch.MutableShape.SwappedTokens += swapped;
        _scheduler.Compose(_step);
    }

    /// <remarks>Whoever waits for memory cannot get in before somebody leaves: a stretch only takes blocks. A cached prefix
    /// that it reclaims makes a first chunk smaller, but blocks are reclaimed tail first, and each was free to take: what the
    /// waiting one lacks does not get less.</remarks>
    private bool CanSkip() =>
        _limits.SkipStableSteps && _scheduler.IsStable && _runner.ClosedForm is not null && _batch.Chunks.IsEmpty &&
        _step.Prefilling.IsEmpty && _batch.Shape.SwappedTokens == 0 && !_step.HasHeldBack && !_step.SomeoneGaveWay;

    /// <summary>Femtoseconds of the first <paramref name="steps"/> steps of the stretch.</summary>
    private long TimeOf(long steps) => steps * _stepTime + _increment * (steps * (steps - 1) / 2);

    /// <summary>Steps of the stretch that end before <paramref name="now"/>; one that ends at it is still under way, because
    /// an arrival is handled before an engine's turn at the same instant.</summary>
    private long StepsEndedBefore(Instant now)
    {
        // Solve steps·t + increment·steps(steps−1)/2 = elapsed approximately, then settle it with integers.
        var elapsed = (double)EngineTime.At(now).Since(_begin);
        var half = _increment / 2.0;
        var linear = _stepTime - half;
        var guess = _increment == 0
            ? elapsed / _stepTime
            : (Math.Sqrt(linear * linear + 4 * half * elapsed) - linear) / (2 * half);
        var steps = Math.Clamp((long)guess, 0, _stretch - 1);
        while (steps > 0 && _begin.Plus(TimeOf(steps)).Instant >= now) steps--;
        while (steps < _stretch - 1 && _begin.Plus(TimeOf(steps + 1)).Instant < now) steps++;
        return steps;
    }

    private void EndStretch()
    {
        _stepping = false;
        Iterations += _batch.AdvancesDecodes ? 0 : 1;
        foreach (var (slot, tokens) in _batch.Outcome.Ended) EndWith(slot, tokens);
        if (_batch.AdvancesDecodes) CompleteDecodes(_stretch, _end, takeNext: false);

        for (var i = 0; i < _batch.Chunks.Length; i++) CompleteChunk(_batch.Chunks[i], i);
        _step.TakeDrafts(_batch.Outcome);
        for (var slot = _decodes.NextEnded; slot >= 0; slot = _decodes.NextEnded) End(slot);
        if (_step.HeldCount > 0 && _step.Running == _step.HeldCount) ReleaseHeld(_end);
        if (_scheduler.SliceSteps == 0) return;

        if (_step.Running > 0 && StepsLeftOfSlice <= 0) EndSlice();
        if (_step.Running == 0) _sliceBegan = Iterations;
    }

    /// <summary>Steps that the batch under way may still take.</summary>
    private long StepsLeftOfSlice =>
        _scheduler.SliceSteps == 0 ? long.MaxValue : _sliceBegan + _scheduler.SliceSteps - Iterations;

    /// <summary>Ends a batch as it is: what is finished is returned, the rest goes back to the queue.</summary>
    private void EndSlice()
    {
        ReleaseHeld(_end);
        for (var slot = _step.FirstRunning; slot >= 0; slot = _step.FirstRunning)
        {
            ref var s = ref _table[slot];
            var e = new SluiceEvent(_end.Instant, s.Request.Id, Id, _step.OutputTokens(slot), EventKind.Evicted);
            _slots.Remove(s.Request.Id, out _);
            if (_step.Retire(slot, ref s)) _table.Free(slot);
            _sink.Emit(in e);
        }
    }

    private void CompleteDecodes(long steps, EngineTime end, bool takeNext)
    {
        Gaps.Advance(_begin.Plus(_stepTime), end, steps, _stepTime + _increment, _increment);
        if (Lag.IsOn) _step.AdvanceLag(steps, _begin.Plus(_stepTime), end);
        _decodes.Advance(steps, takeNext);
        _step.HeldContext += steps * _step.HeldCount;
        OutputTokens += steps * _decodes.Count;
        Iterations += steps;
    }

    private void CompleteChunk(Chunk chunk, int index)
    {
        ref var s = ref _table[chunk.Sequence];
        if (s.Phase == SequencePhase.Verifying)
        {
            CompleteDrafts(chunk.Sequence, ref s, _batch.Outcome.AcceptedOf(index));
            return;
        }

        s.Computed += chunk.Tokens;
        PrefillTokens += chunk.Tokens;
        if (s.Computed < s.Known) return;

        // The step that computes the last known token also samples the next one.
        s.Output++;
        OutputTokens++;
        if (s.FirstTokenAt == Instant.Never) s.FirstTokenAt = _end.Instant;
        if (s.Output == 1) Emit(EventKind.FirstToken, in s, 1);
        else Gaps.AddOne(s.LastTokenAt, _end);
        s.LastTokenAt = _end;
        if (Lag.IsOn) s.WorstLag = Math.Max(s.WorstLag, Lag.Of(s.Request, s.Output, _end));
        _step.EndPrefill(chunk.Sequence);
        if (s.Output == s.SegmentEnd) End(chunk.Sequence);
        else _step.JoinDecodes(chunk.Sequence, ref s);
    }

    private void End(int slot)
    {
        ref var s = ref _table[slot];
        if (_step.OutputTokens(slot) < s.OutputLimit)
        {
            BeginCall(slot, ref s);
            return;
        }

        if (_scheduler.RetiresTogether)
        {
            _step.Hold(slot, ref s);
            _held.Add(slot);
            return;
        }

        _step.Retire(slot, ref s);
        Finish(slot, in s, _end);
    }

    private void ReleaseHeld(EngineTime now)
    {
        foreach (var slot in _held)
        {
            ref var s = ref _table[slot];
            _step.Retire(slot, ref s);
            Finish(slot, in s, now);
        }

        _held.Clear();
    }

    private void Finish(int slot, in Sequence s, EngineTime now)
    {
        var e = new SluiceEvent(now.Instant, s.Request.Id, Id, s.Output, EventKind.Finished);
        _slots.Remove(s.Request.Id, out _);
        _table.Free(slot);
        _sink.Emit(e); // Last, because the sink may submit the next request at once.
    }

    /// <summary>Lets go of those the scheduler declined in this composition.</summary>
    private int HandBack(EngineTime now)
    {
        var count = _step.Declined.Count;
        foreach (var (slot, isFree) in _step.Declined)
        {
            ref var s = ref _table[slot];
            var e = new SluiceEvent(now.Instant, s.Request.Id, Id, s.Output, EventKind.Declined);
            _slots.Remove(s.Request.Id, out _);
            if (isFree) _table.Free(slot);
            _sink.Emit(in e);
        }

        _step.Declined.Clear();
        return count;
    }

    private void Emit(EventKind kind, in Sequence s, int amount) =>
        _sink.Emit(new(_end.Instant, s.Request.Id, Id, amount, kind));
}
