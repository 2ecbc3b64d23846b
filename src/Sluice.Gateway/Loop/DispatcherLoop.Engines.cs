using Sluice.Core;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>What happens to engines. All of it runs on the writer.</summary>
public sealed partial class DispatcherLoop
{
    /// <summary>Engines that broke off this often in a row stay closed for a while even if they answer a probe.</summary>
    private const int BrokenInRowMax = 3;

    private readonly List<(IUpstream Upstream, TaskCompletionSource Done)> _retiring = [];

    private static readonly TimeSpan s_closedMax = TimeSpan.FromSeconds(30);

    /// <summary>Why the newest load of a model failed; no more than there are models.</summary>
    private readonly Dictionary<string, string> _loadProblems = new(StringComparer.Ordinal);

    /// <summary>The dispatcher has an idle engine load another model.</summary>
    internal void BeginLoad(LiveEngine engine, ModelId model)
    {
        var (upstream, name) = (engine.Upstream, engine.NameOf(Models.NameOf(model)));
        var before = engine.NameOf(Models.NameOf(_fleet.Snapshots[engine.Id.Index].Model));
        _ = Task.Run(async () =>
        {
            var end = await ModelChange.RunAsync(upstream, name, before, Time).ConfigureAwait(false);
            Post(new(What.Ask, Data: () => EndLoad(engine, upstream, model, end)));
        });
    }

    private void EndLoad(LiveEngine engine, IUpstream upstream, ModelId model, ModelChange end)
    {
        if (!ReferenceEquals(engine.Bound, upstream) || !engine.IsLoading) return;
        engine.EndLoad();
        ref var snapshot = ref _fleet.Snapshots[engine.Id.Index];
        var kind = EventKind.ModelLoaded;
        if (end.Problem is { } problem)
        {
            kind = EventKind.LoadFailed;
            _loadProblems[Models.NameOf(model)] = problem;
            LoadProblem?.Invoke(upstream, Models.NameOf(model), problem);
        }

        if (!snapshot.IsPresent) return;
        if (end.Loaded is null || IdOf(engine, end.Loaded) is not { } loaded)
        {
            Leave(upstream);
            Suspected?.Invoke(upstream);
            return;
        }

        snapshot.Model = loaded;
        if (kind == EventKind.ModelLoaded) snapshot.WarmModels |= 1UL << model.Index;
        var e = new SluiceEvent(Now, new(-1), engine.Id, model.Index, kind);
        _sink.Emit(in e);
        _dispatcher.OnEngineEvent(in e);
    }

    private ModelId? IdOf(LiveEngine engine, string loaded)
    {
        foreach (var (ours, theirs) in engine.Models)
            if (theirs == loaded && Models.TryGet(ours, out var id)) return id;
        return null;
    }

    private string LoadProblemOf(string model) => _loadProblems.GetValueOrDefault(model, "");

    /// <returns>What could not be taken in, or null.</returns>
    private string? Join(IUpstream upstream, int? placesMax)
    {
        var gone = _fleet.Engines.Where(e => ReferenceEquals(e.Bound, upstream) && _fleet.Snapshots[e.Id.Index].IsPresent).ToArray();
        if (gone.Length > 0) return null; // It never left.
        foreach (var (engine, model) in _fleet.Place(upstream, placesMax, out var refused))
        {
            _fleet.Snapshots[engine.Id.Index].WarmModels = 1UL << model.Index;
            _dispatcher.OnEngineJoined(Now, engine.Id, model);
            if (refused is not null) return refused;
        }

        return null;
    }

    private void Leave(IUpstream upstream)
    {
        foreach (var engine in _fleet.Engines)
        {
            if (!ReferenceEquals(engine.Bound, upstream) || !_fleet.Snapshots[engine.Id.Index].IsPresent) continue;
            engine.EndLoad();
            engine.LostAt = Now;
            var kept = new Dictionary<RequestId, int>();
            foreach (var live in _live.Values)
            {
                if (live.Engine != engine) continue;
                kept.Add(live.Id, live.TokensKept);
                live.Losses++;
                live.Interrupt(StopReason.EngineLost);
                live.Engine = null;
            }

            _dispatcher.OnEngineLost(Now, engine.Id, id => kept[id]);

            // What cannot go on elsewhere ends now, unless it was sent somewhere already, which ends it there.
            foreach (var id in kept.Keys)
            {
                if (Find(id) is not { CanMove: false, Engine: null } live) continue;
                live.EndsAs = LiveEnd.Broken;
                _dispatcher.OnCancel(Now, id);
            }
        }
    }

    /// <summary>An engine broke off: nothing more goes there until a probe says that it lives.</summary>
    private void Doubt(LiveEngine engine)
    {
        engine.BrokenInRow++;
        Close(engine);
        Suspected?.Invoke(engine.Upstream);
    }

    /// <summary>It takes no more requests, and leaves when it has none.</summary>
    private void Retire(IUpstream upstream, TaskCompletionSource done)
    {
        foreach (var engine in _fleet.Engines)
        {
            if (!ReferenceEquals(engine.Bound, upstream)) continue;
            engine.IsRetiring = true;
            Close(engine);
        }

        _retiring.Add((upstream, done));
        LookAtRetiring();
    }

    private void LookAtRetiring()
    {
        for (var i = _retiring.Count - 1; i >= 0; i--)
        {
            var (upstream, done) = _retiring[i];
            var isIdle = _fleet.Engines.All(e =>
                !ReferenceEquals(e.Bound, upstream) || _fleet.Snapshots[e.Id.Index].Outstanding == 0);
            if (!isIdle) continue;
            Leave(upstream);
            foreach (var engine in _fleet.Engines)
                if (ReferenceEquals(engine.Bound, upstream)) _fleet.Free(engine);
            _retiring.RemoveAt(i);
            done.SetResult();
        }
    }

    private void Trust(IUpstream upstream)
    {
        foreach (var engine in _fleet.Engines)
        {
            if (!ReferenceEquals(engine.Bound, upstream)) continue;
            if (engine.BrokenInRow < BrokenInRowMax)
            {
                Open(engine);
                continue;
            }

            var closed = TimeSpan.FromSeconds(1 << Math.Min(5, engine.BrokenInRow - BrokenInRowMax));
            OpenAfter(engine, closed < s_closedMax ? closed : s_closedMax);
        }
    }

    /// <summary>It refused with what it has: it gets no more than that for now, and nothing for a moment if it had nothing
    /// else.</summary>
    private void OnBusy(LiveEngine engine, TimeSpan? retryAfter)
    {
        var others = _fleet.Snapshots[engine.Id.Index].Outstanding - 1;
        engine.PlacesLearned = Math.Max(1, others);
        _fleet.SetPlaces(engine);
        if (others > 0) return;
        Close(engine);
        var wait = retryAfter ?? TimeSpan.FromMilliseconds(500);
        OpenAfter(engine, wait < s_closedMax ? wait : s_closedMax);
    }

    private void Close(LiveEngine engine) => _fleet.Snapshots[engine.Id.Index].IsReady = false;

    private void Open(LiveEngine engine)
    {
        ref var snapshot = ref _fleet.Snapshots[engine.Id.Index];
        if (!snapshot.IsPresent || engine.IsLoading || engine.IsRetiring || snapshot.IsReady) return;
        snapshot.IsReady = true;
        _dispatcher.OnRoom(Now, engine.Id);
    }

    private void OpenAfter(LiveEngine engine, TimeSpan wait)
    {
        ITimer? timer = null;
        timer = Time.CreateTimer(
            _ =>
            {
                Post(new(What.Ask, Data: () => Open(engine)));
                timer?.Dispose();
            },
            null, wait, Timeout.InfiniteTimeSpan);
    }

    private void TakeReport(IUpstream upstream, UpstreamReport report)
    {
        foreach (var engine in _fleet.Engines)
        {
            if (!ReferenceEquals(engine.Bound, upstream)) continue;
            ref var snapshot = ref _fleet.Snapshots[engine.Id.Index];
            if (report.TotalBlocks > 0 && report.BlockTokens > 0)
            {
                (snapshot.TotalBlocks, snapshot.BlockTokens) = (report.TotalBlocks, report.BlockTokens);
                if (report.KvUsed >= 0) snapshot.FreeBlocks = (int)(report.TotalBlocks * (1 - Math.Clamp(report.KvUsed, 0, 1)));
                _fleet.SetKvRoom(engine, (int)Math.Min(int.MaxValue, (long)report.TotalBlocks * report.BlockTokens));
            }

            // Others' requests: what was there at the last report and at this one, beyond our own.
            var foreign = report.Running >= 0 ? Math.Max(0, report.Running + Math.Max(0, report.Waiting) - snapshot.Outstanding) : 0;
            var before = engine.Report.Running >= 0
                ? Math.Max(0, engine.Report.Running + Math.Max(0, engine.Report.Waiting) - snapshot.Outstanding)
                : 0;
            engine.Report = report;
            if (engine.Foreign == Math.Min(foreign, before)) continue;
            engine.Foreign = Math.Min(foreign, before);
            _fleet.SetPlaces(engine);
            if (snapshot.IsReady) _dispatcher.OnRoom(Now, engine.Id);
        }
    }

    /// <summary>Own account of what an engine does, where its own report would be older.</summary>
    private void RefreshReport(LiveEngine engine)
    {
        ref readonly var snapshot = ref _fleet.Snapshots[engine.Id.Index];
        if (!snapshot.IsPresent) return;
        _dispatcher.OnEngineStatus(engine.Id, snapshot.Outstanding, 0, 0, snapshot.FreeBlocks, engine.OutputTokens);
    }

    /// <summary>Every report interval: looks for answers that have stalled, and measures the engines' output.</summary>
    private void Sweep()
    {
        var now = Now;
        foreach (var live in _live.Values)
        {
            if (live.Engine is null || live.LastDataAt == 0 || live.Reason != StopReason.None) continue;
            var limit = live.HasData ? _options.StallAfter : _options.SilentAfter;
            if (now.Ticks - live.LastDataAt > limit.Ticks) live.Interrupt(StopReason.Stalled);
        }

        foreach (var engine in _fleet.Engines) engine.Measure(now);
        LookAtRetiring();
    }
}
