using System.Text.Json;
using Sluice.Core;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>Why a call was stopped before its end.</summary>
internal enum StopReason : byte { None, Left, Evicted, Stalled, EngineLost }

/// <summary>One request from its arrival to its end, on however many engines.</summary>
/// <remarks>Its flow belongs to whoever awaits <see cref="RunAsync"/>; the loop only tells it where to go. What the loop writes
/// is marked so; everything else is written by its own flow.</remarks>
public sealed class LiveRequest : IAnswerSink
{
    private readonly DispatcherLoop _loop;
    private readonly TurnBox _turns = new();
    private JsonText? _text;
    private IAnswerSink _sink = null!;
    private ITimer? _patience;
    private bool _isSent; // The caller, or whoever gathers the answer for it, has something.
    private bool _isMixed; // Something was sent that is not plain text.
    private bool _isFinished; // The answer's last piece was sent.
    private bool _sinkFailed;
    private ChunkSplicer? _splicer;
    private SpliceHead _head;
    private IUpstream? _pausedAt;
    private volatile IUpstream? _movedTo; // from the engine that the call under way was sent to

    internal LiveRequest(DispatcherLoop loop, LiveCall call, RequestId id) => (_loop, Call, Id) = (loop, call, id);

    public LiveCall Call { get; }
    public RequestId Id { get; }

    /// <summary>The engine it is on, or was on last; empty before the first.</summary>
    public string EngineName { get; internal set; } = "";

    /// <summary>Written by the loop: when it came, when it first went to an engine, when its first token came.</summary>
    public Instant ArrivedAt { get; internal set; }
    public Instant DispatchedAt { get; internal set; } = Instant.Never;
    public Instant FirstTokenAt { get; internal set; } = Instant.Never;

    /// <summary>Written by the loop: how often it was taken off an engine for something more urgent.</summary>
    public int Evictions { get; internal set; }

    /// <summary>Written by the loop: engines that broke off or were lost under it.</summary>
    public int Losses { get; internal set; }

    /// <summary>Written by the loop: requests before it when it was queued, and the wait expected then.</summary>
    public WaitForecast? Forecast { get; internal set; }

    /// <summary>Time from arrival to its first engine; zero before that.</summary>
    public TimeSpan Wait => DispatchedAt == Instant.Never ? TimeSpan.Zero : DispatchedAt - ArrivedAt;

    /// <summary>Output tokens so far, over all engines.</summary>
    public int OutputTokens => TokensBefore + TokensHere;

    internal LiveEngine? Engine { get; set; }
    internal int Attempt { get; set; }
    internal CancellationTokenSource? Stop { get; set; }
    internal StopReason Reason { get; set; }
    internal LiveEnd EndsAs { get; set; } = LiveEnd.Cancelled;
    internal bool IsOver { get; set; }

    /// <summary>Written by the loop: why nothing could serve it; empty if that is not known.</summary>
    internal string Note { get; set; } = "";

    /// <summary>How the last call ended; handed over with the message that says so.</summary>
    internal CallOutcome LastCall { get; private set; }

    /// <summary>It left its engine because it was asked to, not because the engine had no room or failed.</summary>
    internal bool IsEvicted => LastCall.End == CallEnd.Evicted || Reason == StopReason.Evicted;
    internal bool CannotGoOn { get; private set; }
    internal int TokensBefore { get; private set; }
    internal int TokensHere { get; private set; }
    internal long LastDataAt { get; private set; } // ticks
    internal bool HasData { get; private set; }

    /// <summary>It can leave its engine now and go on or begin anew elsewhere, without the caller noticing.</summary>
    internal bool CanMove => Call.OnInterruption != Interruption.Fail && (!_isSent || CanReset || CanContinue);

    /// <summary>Tokens that need not be produced again if it moves now.</summary>
    internal int TokensKept => CanContinue || _pausedAt is not null ? OutputTokens : 0;

    /// <summary>It was evicted there and is kept as a whole, so it can go on there whatever its answer is made of.</summary>
    internal bool IsPausedAt(IUpstream upstream) => _pausedAt == upstream && upstream.Keeps(Id);

    bool IAnswerSink.JoinsText => _sink.JoinsText;

    private bool CanReset => _sink is IWholeAnswer;
    private bool CanContinue => Call is { OnInterruption: Interruption.Continue, Stream: true, IsText: true } && !_isMixed;

    /// <summary>Submits it and sees it to its end.</summary>
    /// <param name="sink">Takes the answer in, as one unbroken stream.</param>
    /// <param name="cancel">The caller left.</param>
    public async Task<LiveOutcome> RunAsync(IAnswerSink sink, CancellationToken cancel)
    {
        _sink = sink;
        _loop.Arrive(this);
        if (!_turns.HasTurn) WatchPatience();
        await using var registration = cancel.UnsafeRegister(static request => ((LiveRequest)request!).Leave(), this);
        while (true)
        {
            var turn = await _turns.TakeAsync().ConfigureAwait(false);
            if (_patience is not null) StopPatience();
            if (turn.Outcome is { } outcome) return outcome;
            LastCall = await CallAsync(turn).ConfigureAwait(false);
            _loop.Ended(this, turn.Attempt);
        }
    }

    public ValueTask OnDataAsync(ReadOnlyMemory<byte> json, int tokens, CancellationToken cancel)
    {
        if (Call.Stream)
        {
            if (!AnswerScan.TryScan(json.Span, out var scan)) throw new JsonException("an event is no JSON object");
            return OnEventAsync(json, scan, tokens, cancel);
        }

        Count(tokens);
        _isSent = _isFinished = true;
        return ForwardAsync(json, null, tokens, cancel);
    }

    ValueTask IAnswerSink.OnEventAsync(ReadOnlyMemory<byte> json, AnswerScan scan, CancellationToken cancel) =>
        OnEventAsync(json, scan, scan.Tokens, cancel);

    private ValueTask OnEventAsync(ReadOnlyMemory<byte> json, AnswerScan scan, int tokens, CancellationToken cancel)
    {
        Count(tokens);
        _isMixed |= scan.HasOther;
        if (CanContinue && scan.HasText) (_text ??= new()).Append(scan.TextOf(json.Span));
        if (_splicer is { } splicer)
        {
            json = splicer.Splice(json, in scan, TokensBefore);
            if (json.IsEmpty)
            {
                LastDataAt = _loop.Now.Ticks;
                return ValueTask.CompletedTask;
            }

            AnswerScan.TryScan(json.Span, out scan);
        }
        else if (!_isSent && CanContinue)
        {
            _head = SpliceHead.Of(json.Span);
        }

        _isSent = true;
        _isFinished |= scan.HasFinish;
        return ForwardAsync(json, scan, tokens, cancel);
    }

    private void Count(int tokens)
    {
        HasData = true;
        if (tokens <= 0) return;
        if (FirstTokenAt == Instant.Never) _loop.FirstToken(this);
        TokensHere += tokens;
        Engine?.CountTokens(tokens);
    }

    void IAnswerSink.OnMoved(IUpstream to) => _movedTo = to;

    internal void Put(in Turn turn) => _turns.Put(in turn);

    /// <summary>Ends the call that is under way; its flow reports what it came to.</summary>
    internal void Interrupt(StopReason reason)
    {
        if (Reason == StopReason.None) Reason = reason;
        _ = Stop?.CancelAsync();
    }

    private async ValueTask<CallOutcome> CallAsync(Turn turn)
    {
        var engine = turn.Engine!;
        AnswerSoFar? resume = null;
        var isPaused = IsPausedAt(engine.Upstream);
        _pausedAt = null;
        if (!isPaused && !TryPrepare(engine, turn.Attempt, out resume))
        {
            CannotGoOn = true;
            return new(CallEnd.Broken, 0, -1, 0, "the answer had begun, and cannot be continued on another engine");
        }

        var call = new UpstreamCall
        {
            Id = Id, Api = Call.Api, Model = engine.NameOf(Call.Model), Body = Call.Body, Stream = Call.Stream,
            Resume = resume, IsPaused = isPaused, Priority = Call.Priority, ExternalId = Call.ExternalId,
        };
        LastDataAt = _loop.Now.Ticks;
        HasData = false;
        _movedTo = null;
        CallOutcome outcome;
        try
        {
            outcome = turn.Stop!.IsCancellationRequested
                ? new(CallEnd.Cancelled, 0, -1, 0, "")
                : await engine.Upstream.CallAsync(call, this, turn.Stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            outcome = new(CallEnd.Cancelled, 0, -1, TokensHere, "");
        }
        catch (Exception e)
        {
            // A driver turns its engine's faults into outcomes; whatever it does not is one all the same.
            outcome = new(CallEnd.Broken, 0, -1, TokensHere, $"{e.GetType().Name}: {e.Message}");
        }

        if (outcome.End == CallEnd.Evicted)
        {
            var upstream = _movedTo ?? engine.Upstream;
            if (_sinkFailed || _isFinished) upstream.Forget(Id);
            else if (upstream.Capabilities.Keeping == Keeping.Call) _pausedAt = upstream;
        }

        if (_sinkFailed) return outcome with { End = CallEnd.Cancelled };

        // The whole answer is out: what the engine did after that does not matter.
        return _isFinished && outcome.End is not CallEnd.Refused ? outcome with { End = CallEnd.Completed } : outcome;
    }

    /// <summary>Decides how an answer goes on that earlier engines began.</summary>
    /// <returns>False if it cannot.</returns>
    private bool TryPrepare(LiveEngine engine, int attempt, out AnswerSoFar? resume)
    {
        resume = null;
        if (attempt == 1 || !_isSent)
        {
            // Nothing of it is anywhere.
            TokensHere = TokensBefore = 0;
            return true;
        }

        var capabilities = engine.Upstream.Capabilities;
        var continuation = Call.Api == UpstreamApi.ChatCompletions ? capabilities.Chat : capabilities.Completions;
        var (hasText, text) = (_text is { Length: > 0 }, "");
        if (CanContinue && (!hasText || (continuation != Continuation.None && _text!.TryDecode(out text))))
        {
            TokensBefore += TokensHere;
            TokensHere = 0;
            if (hasText) resume = new(text, TokensBefore);
            if (!CanReset || hasText) _splicer = new(_head);
            return true;
        }

        if (!CanReset) return false;
        ((IWholeAnswer)_sink).Reset();
        (TokensHere, TokensBefore, _isSent, _isMixed, _splicer) = (0, 0, false, false, null);
        _text?.Clear();
        return true;
    }

    private async ValueTask ForwardAsync(ReadOnlyMemory<byte> json, AnswerScan? scan, int tokens, CancellationToken cancel)
    {
        try
        {
            LastDataAt = long.MaxValue; // A caller who reads slowly is no engine that has stalled.
            if (scan is { } read) await _sink.OnEventAsync(json, read, cancel).ConfigureAwait(false);
            else await _sink.OnDataAsync(json, tokens, cancel).ConfigureAwait(false);
            LastDataAt = _loop.Now.Ticks;
        }
        catch (Exception e) when (!(CanReset && e is JsonException or InvalidOperationException or FormatException or ArgumentException))
        {
            _sinkFailed = true; // Not the engine's fault: the caller is gone, or cannot take more.
            throw;
        }
    }

    private void Leave() => _loop.Cancel(this, LiveEnd.Cancelled);

    private void WatchPatience()
    {
        if (Call.QueueMax == TimeSpan.MaxValue) return;
        _patience = _loop.Time.CreateTimer(
            static request => ((LiveRequest)request!).Expire(), this, Call.QueueMax, Timeout.InfiniteTimeSpan);
    }

    private void Expire() => _loop.Expire(this);

    private void StopPatience()
    {
        _patience!.Dispose();
        _patience = null;
    }
}
