using System.Collections.Concurrent;
using Sluice.Core;
using Sluice.Policies;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>The gateway's driver of the dispatcher, and its only writer: the same dispatcher and policies as in the simulator,
/// with real time and real engines.</summary>
/// <remarks>
/// One writer at a time, and no thread of its own: whoever posts a message and finds nobody writing, writes, until the inbox
/// is empty. So a request that an engine has room for goes there without a change of threads. Messages are bounded by the
/// live requests, which are bounded by <see cref="GatewayOptions.LiveMax"/>: each has a few under way at most. Nothing that
/// runs under the writer waits, calls an engine, or continues a request's own flow.
/// </remarks>
public sealed partial class DispatcherLoop : IDisposable
{
    /// <summary>Messages that one poster handles before somebody else is asked to go on: it has a request of its own.</summary>
    private const int TurnMax = 128;

    private readonly GatewayOptions _options;
    private readonly ConcurrentQueue<Message> _inbox = new();
    private readonly Dictionary<long, LiveRequest> _live = [];
    private readonly LiveFleet _fleet;
    private readonly Dispatcher _dispatcher;
    private readonly LiveAdmission _admission;
    private readonly IShowsQueues? _queues;
    private readonly Sink _sink;
    private readonly IWeighsTenants? _shares;
    private readonly long _start;
    private readonly ITimer _timer;
    private readonly ITimer _sweep;
    private readonly Action<Exception>? _onFault;
    private long _timerAt = long.MaxValue;
    private long _lastId = -1;
    private int _writing;
    private int _liveCount;
    private volatile bool _isStopping;
    private volatile Exception? _fault;

    /// <param name="onFault">Told of a bug in what decides; nothing is decided after it.</param>
    /// <exception cref="InputException">No such system, or one that cannot run here.</exception>
    public DispatcherLoop(GatewayOptions options, TimeProvider time, Action<Exception>? onFault = null)
    {
        (_options, Time, _onFault) = (options, time, onFault);
        _start = time.GetTimestamp();
        Models = new(options.ModelsMax, options.Aliases);
        _fleet = new(options, Models, this);
        var system = Catalog.Make(options.System, new PolicySettings(options.SettingsInUse));
        var policies = system.Policies(new PolicyContext(null, new Rng(1).Fork("policies"), _fleet.Info));
        _admission = new(policies.Admission, policies.Lengths, policies.Scheduler);
        _sink = new(this);
        _dispatcher = new(policies with { Admission = _admission }, _fleet.Engines, _fleet.Snapshots, _sink, options.LoadRetries);
        Calibration = (policies.Scheduler as IReportsCalibration)?.Calibration;
        _shares = policies.Scheduler as IWeighsTenants;
        _queues = policies.Scheduler as IShowsQueues;
        _timer = time.CreateTimer(
            static loop => ((DispatcherLoop)loop!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _sweep = time.CreateTimer(
            static loop => ((DispatcherLoop)loop!).Post(new(What.Sweep)), this, options.ReportEvery, options.ReportEvery);
    }

    public TimeProvider Time { get; }
    public ModelTable Models { get; }

    /// <summary>Where every event goes.</summary>
    public EventFanOut Events { get; } = new();

    /// <summary>How well waits were predicted; null if the system does not predict them.</summary>
    public RwtCalibration? Calibration { get; }

    /// <summary>On the gateway's own time line.</summary>
    public Instant Now => new(Time.GetElapsedTime(_start).Ticks);

    /// <summary>Requests accepted and not ended.</summary>
    public int Live => Volatile.Read(ref _liveCount);

    /// <summary>Those of them that wait.</summary>
    public int Queued => _dispatcher.Queued;

    public bool IsStopping => _isStopping;
    public bool IsBroken => _fault is not null;

    /// <summary>Told which engine gave reason to doubt that it lives. On the writer's thread.</summary>
    internal Action<IUpstream>? Suspected { get; set; }

    /// <summary>Told which engine could not load which model, and why. On the writer's thread.</summary>
    internal Action<IUpstream, string, string>? LoadProblem { get; set; }

    /// <summary>A request that is to be run; nothing happens until it is.</summary>
    public LiveRequest Create(LiveCall call) => new(this, call, new(Interlocked.Increment(ref _lastId)));

    /// <summary>Takes no more requests; those that are here go on.</summary>
    public void StopAccepting() => _isStopping = true;

    /// <summary>Gives up everything that is still live.</summary>
    public void CancelAll() => Post(new(What.CancelAll));

    /// <summary>Runs on the writer, between two events.</summary>
    public Task<T> AskAsync<T>(Func<T> question)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(new(What.Ask, Data: () =>
        {
            try
            {
                answer.SetResult(question());
            }
            catch (Exception e)
            {
                answer.SetException(e);
            }
        }));
        return answer.Task;
    }

    /// <summary>How long such a call would wait if it came now, without running anything; null if the system does not
    /// predict waits. And how many engines could serve it.</summary>
    public Task<(WaitForecast? Forecast, int Engines)> EstimateAsync(LiveCall call) => AskAsync(() =>
    {
        var now = Now;
        if (!Models.TryGet(call.Model, out var model) || !_fleet.CanServe(model, now)) return (default(WaitForecast?), 0);
        return (_dispatcher.Forecast(now, RequestOf(call, new(-1), model, now)), 1);
    });

    /// <summary>Engines, queue and live requests at this moment.</summary>
    /// <param name="requestsMax">Most requests to list, oldest first.</param>
    /// <param name="groups">Filled with the groups of the scheduler's plan, where it has one.</param>
    public Task<LoopSnapshot> SnapshotAsync(int requestsMax = 1000, List<QueuedGroup>? groups = null) => AskAsync(() =>
    {
        if (groups is not null) _queues?.Show(groups);
        return TakeSnapshot(requestsMax);
    });

    /// <summary>Name of what stands at a place. On the writer only, as when an event comes.</summary>
    internal string EngineNameOf(EngineId engine) => _fleet.Engines[engine.Index].Name;

    /// <summary>A tenant's share of service; changes nothing if the system does not share by tenants.</summary>
    /// <param name="weight">Above 0.</param>
    public Task SetWeightAsync(TenantId tenant, double weight) => AskAsync(() =>
    {
        _shares?.SetWeight(tenant, weight);
        return true;
    });

    public void Dispose()
    {
        _timer.Dispose();
        _sweep.Dispose();
    }

    internal void Arrive(LiveRequest live)
    {
        if (_fault is null) Post(new(What.Arrival, live));
        else Refuse(live, LiveEnd.Stopping, default);
    }

    internal void Cancel(LiveRequest live, LiveEnd end) => Post(new(What.Cancel, live, (int)end));
    internal void Expire(LiveRequest live) => Post(new(What.Expire, live));
    internal void FirstToken(LiveRequest live) => Post(new(What.FirstToken, live, live.Attempt));
    internal void Ended(LiveRequest live, int attempt) => Post(new(What.Ended, live, attempt));

    /// <summary>An engine was probed and answers.</summary>
    internal Task<string?> JoinAsync(IUpstream upstream, int? placesMax) => AskAsync(() => Join(upstream, placesMax));

    /// <summary>An engine does not answer.</summary>
    internal Task LeaveAsync(IUpstream upstream) => AskAsync(() =>
    {
        Leave(upstream);
        return true;
    });

    /// <summary>An engine is to leave for good.</summary>
    /// <returns>Completes when its last request has ended.</returns>
    internal Task RetireAsync(IUpstream upstream)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(new(What.Ask, Data: () => Retire(upstream, done)));
        return done.Task;
    }

    /// <summary>A suspected engine answers after all; it may take requests again.</summary>
    internal Task TrustAsync(IUpstream upstream) => AskAsync(() =>
    {
        Trust(upstream);
        return true;
    });

    internal void Reported(IUpstream upstream, UpstreamReport report) =>
        Post(new(What.Ask, Data: () => TakeReport(upstream, report)));

    internal LiveRequest? Find(RequestId id) => _live.GetValueOrDefault(id.Value);

    private void Post(Message message)
    {
        _inbox.Enqueue(message);
        Write();
    }

    private void Write()
    {
        var left = TurnMax;
        while (!_inbox.IsEmpty && _fault is null)
        {
            if (Interlocked.CompareExchange(ref _writing, 1, 0) != 0) return; // Whoever writes sees the message.
            try
            {
                while (left-- > 0 && _inbox.TryDequeue(out var message)) Handle(in message);
                PlanIfDue();
            }
            catch (Exception e)
            {
                _fault = e;
                _onFault?.Invoke(e);
            }
            finally
            {
                Volatile.Write(ref _writing, 0);
            }

            if (left > 0) continue;
            ThreadPool.UnsafeQueueUserWorkItem(static loop => loop.Write(), this, preferLocal: false);
            return;
        }
    }

    private void Handle(in Message message)
    {
        switch (message.What)
        {
            case What.Arrival:
                OnArrival(message.Live!);
                break;
            case What.Cancel:
                OnCancel(message.Live!, (LiveEnd)message.Number);
                break;
            case What.Expire when _dispatcher.EngineOf(message.Live!.Id) == EngineId.None:
                OnCancel(message.Live, LiveEnd.Expired);
                break;
            case What.FirstToken:
                OnFirstToken(message.Live!, message.Number);
                break;
            case What.Ended:
                OnEnded(message.Live!, message.Number);
                break;
            case What.CancelAll:
                foreach (var live in _live.Values.ToArray()) OnCancel(live, LiveEnd.Stopping);
                break;
            case What.Sweep:
                Sweep();
                break;
            case What.Ask:
                message.Data!();
                break;
        }
    }

    private void PlanIfDue()
    {
        var now = Now;
        if (_dispatcher.PlanAt <= now)
        {
            for (var i = 0; i < _fleet.Engines.Length; i++) RefreshReport(_fleet.Engines[i]);
            _dispatcher.Plan(now);
        }

        var at = _dispatcher.PlanAt;
        if (at == Instant.Never || _timerAt <= at.Ticks) return; // A timer that fires early sets the next.
        _timerAt = at.Ticks;
        var due = TimeSpan.FromTicks(Math.Max(0, at.Ticks - now.Ticks));
        _timer.Change(due > s_timerMax ? s_timerMax : due, Timeout.InfiniteTimeSpan);
    }

    private static readonly TimeSpan s_timerMax = TimeSpan.FromDays(1);

    private void OnTimer() => Post(new(What.Ask, Data: () => _timerAt = long.MaxValue));

    private enum What : byte { Arrival, Cancel, Expire, FirstToken, Ended, CancelAll, Sweep, Ask }

    private readonly record struct Message(What What, LiveRequest? Live = null, int Number = 0, Action? Data = null);

    /// <summary>Every fact passes here, on its way to all who listen.</summary>
    private sealed class Sink(DispatcherLoop loop) : IEventSink
    {
        public void Emit(in SluiceEvent e)
        {
            loop.Events.Emit(in e);
            if (e.Kind is EventKind.Finished or EventKind.Cancelled or EventKind.Failed) loop.End(in e);
        }
    }
}
