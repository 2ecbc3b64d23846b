using Sluice.Core;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>What happens to requests. All of it runs on the writer.</summary>
public sealed partial class DispatcherLoop
{
    /// <summary>The dispatcher sends a request to an engine.</summary>
    internal void Grant(Instant now, RequestId id, LiveEngine engine)
    {
        var live = _live[id.Value];
        (live.Engine, live.EngineName, live.Reason) = (engine, engine.Name, StopReason.None);
        live.Attempt++;
        live.Stop = new CancellationTokenSource();
        if (live.DispatchedAt == Instant.Never) live.DispatchedAt = now;
        if (live.Attempt > 1 && !live.CanMove && !live.IsPausedAt(engine.Upstream))
        {
            // It lost its engine with a part of its answer out that nobody can continue.
            Post(new(What.Ask, Data: () => Fail(live, LiveEnd.Broken, FailReason.Broken)));
            return;
        }

        live.Put(new(engine, live.Attempt, live.Stop, null));
    }

    private void OnArrival(LiveRequest live)
    {
        var now = Now;
        live.ArrivedAt = now;
        if (_isStopping)
        {
            Refuse(live, LiveEnd.Stopping, default);
            return;
        }

        if (!Models.TryGet(live.Call.Model, out var model))
        {
            Refuse(live, LiveEnd.Rejected, Admission.Reject(RejectReason.ModelUnknown, TimeSpan.Zero));
            return;
        }

        if (!_fleet.CanServe(model, now))
        {
            Refuse(live, LiveEnd.NoEngine, default);
            return;
        }

        if (_live.Count >= _options.LiveMax)
        {
            Refuse(live, LiveEnd.Rejected, Admission.Reject(RejectReason.QueueFull, TimeSpan.FromSeconds(1)));
            return;
        }

        _live.Add(live.Id.Value, live);
        Volatile.Write(ref _liveCount, _live.Count);
        _admission.Arriving = live;
        var admission = _dispatcher.OnArrival(now, RequestOf(live.Call, live.Id, model, now));
        _admission.Arriving = null;
        if (admission.IsAccepted) return;
        if (admission.Reason == RejectReason.ModelFailed) live.Note = LoadProblemOf(live.Call.Model);
        Forget(live);
        Refuse(live, LiveEnd.Rejected, admission);
    }

    private static Request RequestOf(LiveCall call, RequestId id, ModelId model, Instant now) => new()
    {
        Id = id, Model = model, Tenant = call.Tenant, Class = call.Class, Priority = call.Priority, Slo = call.Slo, Arrival = now,
        PromptTokens = call.PromptTokens, MaxOutputTokens = call.OutputTokensMax,
    };

    private void OnCancel(LiveRequest live, LiveEnd end)
    {
        if (live.IsOver || !_live.ContainsKey(live.Id.Value)) return;
        live.EndsAs = end;
        _dispatcher.OnCancel(Now, live.Id);
    }

    private void OnFirstToken(LiveRequest live, int attempt)
    {
        if (live.IsOver || live.Engine is null || attempt != live.Attempt || live.FirstTokenAt != Instant.Never) return;
        live.FirstTokenAt = Now;
        Emit(live, EventKind.FirstToken, 1);
    }

    /// <summary>A call on an engine is over, one way or another.</summary>
    private void OnEnded(LiveRequest live, int attempt)
    {
        if (live.IsOver) return;
        if (attempt != live.Attempt || live.Engine is not { } engine)
        {
            OnLateEnd(live);
            return;
        }

        var call = live.LastCall;
        switch (call.End)
        {
            case CallEnd.Completed:
                OnCompleted(live, engine, in call);
                break;
            case CallEnd.Evicted:
            case CallEnd.Cancelled when live.Reason == StopReason.Evicted:
                live.Evictions++;
                Requeue(live);
                break;
            case CallEnd.Cancelled when live.Reason == StopReason.Stalled:
                OnBroken(live, engine);
                break;
            case CallEnd.Cancelled:
                Emit(live, EventKind.Cancelled, live.OutputTokens);
                break;
            case CallEnd.Refused:
                (engine.BrokenInRow, engine.FailedInRow) = (0, 0);
                Fail(live, LiveEnd.Refused, FailReason.Refused);
                break;
            case CallEnd.Busy:
                OnBusy(engine, call.RetryAfter);
                Requeue(live);
                break;
            case CallEnd.Failed:
                OnFailed(live, engine);
                break;
            case CallEnd.Broken:
                OnBroken(live, engine);
                break;
        }
    }

    private void OnCompleted(LiveRequest live, LiveEngine engine, in CallOutcome call)
    {
        (engine.BrokenInRow, engine.FailedInRow) = (0, 0);
        if (engine.PlacesLearned < engine.PlacesMax)
        {
            engine.PlacesLearned += 1 / engine.PlacesLearned;
            _fleet.SetPlaces(engine);
        }

        live.EndsAs = LiveEnd.Completed;
        if (call.OutputTokens > live.TokensHere) engine.CountTokens(call.OutputTokens - live.TokensHere);
        Emit(live, EventKind.Finished, OutputOf(live));
    }

    private void OnBroken(LiveRequest live, LiveEngine engine)
    {
        Doubt(engine);
        live.Losses++;
        TryAgain(live);
    }

    private void TryAgain(LiveRequest live)
    {
        if (live.CannotGoOn || !live.CanMove || live.Losses >= _options.AttemptsMax) Fail(live, LiveEnd.Broken, FailReason.Broken);
        else Requeue(live);
    }

    /// <summary>Its engine was declared lost while the call went on; it is queued again, or on its way to another
    /// engine.</summary>
    private void OnLateEnd(LiveRequest live)
    {
        if (live.LastCall.End != CallEnd.Completed) return;
        live.EndsAs = LiveEnd.Completed; // The whole answer came after all.
        if (live.Engine is null) _dispatcher.OnCancel(Now, live.Id);
        else Emit(live, EventKind.Finished, OutputOf(live));
    }

    private void Requeue(LiveRequest live)
    {
        if (live.CanMove || live.IsPausedAt(live.Engine!.Upstream)) Emit(live, EventKind.Evicted, live.TokensKept);
        else Fail(live, LiveEnd.Broken, FailReason.Broken);
    }

    private void Fail(LiveRequest live, LiveEnd end, FailReason reason)
    {
        if (live.IsOver || live.Engine is null) return;
        live.EndsAs = end;
        Emit(live, EventKind.Failed, (int)reason);
    }

    /// <summary>It was to leave its engine, and cannot.</summary>
    internal void Stay(LiveRequest live)
    {
        if (live.Engine is not { } engine) return;
        var e = new SluiceEvent(Now, live.Id, engine.Id, live.OutputTokens, EventKind.Stayed);
        _sink.Emit(in e);
        _dispatcher.OnEngineEvent(in e);
    }

    /// <summary>The dispatcher wants a running request on another engine of its model.</summary>
    internal void BeginMove(RequestId id, LiveEngine from, EngineId to)
    {
        if (Find(id) is not { } live || live.Engine != from || live.Reason != StopReason.None) return;
        var (engine, attempt, ready) = (_fleet.Engines[to.Index], live.Attempt, _fleet.Snapshots[to.Index].IsReady);
        if (engine.Bound is not { } there || !ready) return;
        var upstream = from.Upstream;
        _ = Task.Run(async () =>
        {
            if (await upstream.TryMoveAsync(id, there).ConfigureAwait(false))
                Post(new(What.Ask, Data: () => EndMove(live, attempt, from, engine, there)));
        });
    }

    private void EndMove(LiveRequest live, int attempt, LiveEngine from, LiveEngine to, IUpstream there)
    {
        if (live.IsOver || live.Attempt != attempt || live.Engine != from) return; // It ended, or was lost, before this was known.
        if (!ReferenceEquals(to.Bound, there) || !_fleet.Snapshots[to.Id.Index].IsPresent)
        {
            live.Interrupt(StopReason.Evicted); // That engine was lost meanwhile: it goes on elsewhere.
            return;
        }

        (live.Engine, live.EngineName) = (to, to.Name);
        var e = new SluiceEvent(Now, live.Id, to.Id, live.OutputTokens, EventKind.Migrated);
        _sink.Emit(in e);
        _dispatcher.OnEngineEvent(in e);
    }

    /// <summary>Tells everybody what happened to a request on its engine; the dispatcher last, because it acts on it.</summary>
    private void Emit(LiveRequest live, EventKind kind, int amount)
    {
        var e = new SluiceEvent(Now, live.Id, live.Engine!.Id, amount, kind);
        if (kind != EventKind.FirstToken) live.Engine = null;
        _sink.Emit(in e);
        _dispatcher.OnEngineEvent(in e);
    }

    /// <summary>A request is over; whoever runs it goes on.</summary>
    private void End(in SluiceEvent e)
    {
        if (Find(e.Request) is not { } live) return;
        if (e.Kind == EventKind.Failed && (FailReason)e.Amount == FailReason.ModelFailed)
        {
            live.EndsAs = LiveEnd.ModelFailed;
            live.Note = LoadProblemOf(live.Call.Model);
        }

        Forget(live);
        live.IsOver = true;
        live.Put(new(null, live.Attempt, null, OutcomeOf(live, live.EndsAs, default)));
    }

    private void Forget(LiveRequest live)
    {
        _live.Remove(live.Id.Value);
        Volatile.Write(ref _liveCount, _live.Count);
    }

    private static void Refuse(LiveRequest live, LiveEnd end, Admission admission)
    {
        live.IsOver = true;
        live.Put(new(null, 0, null, OutcomeOf(live, end, admission)));
    }

    private static LiveOutcome OutcomeOf(LiveRequest live, LiveEnd end, Admission admission)
    {
        var call = live.LastCall;
        var isCounted = live.Attempt > 0 && call.PromptTokens > 0;
        var prompt = isCounted ? Math.Max(0, call.PromptTokens - live.TokensBefore) : live.Call.PromptTokens;
        return new(end, call, prompt, OutputOf(live), admission, live.Forecast);
    }

    private static int OutputOf(LiveRequest live) =>
        live.TokensBefore + Math.Max(live.LastCall.End == CallEnd.Completed ? live.LastCall.OutputTokens : 0, live.TokensHere);
}
