using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Everything QLM knows, and the few ways to change it that keep its parts in step.</summary>
internal sealed class QlmState
{
    /// <summary>Groups that are looked at one by one when a newcomer's wait is predicted; more are taken in proportion.</summary>
    private const int WalkMax = 64;

    public QlmState(QlmOptions options, FleetInfo? fleet)
    {
        Options = options;
        Speeds = new Throughputs(fleet);
        Index = new GroupIndex(Backlog);
        Loads = new EngineLoads(Backlog, Speeds, options.Prompts);
    }

    public QlmOptions Options { get; }
    public Backlog Backlog { get; } = new();
    public GroupIndex Index { get; }
    public Throughputs Speeds { get; }
    public EngineLoads Loads { get; }
    public Overtaking Overtaking { get; } = new();

    /// <summary>By engine; the last one holds groups that no engine can run now.</summary>
    public VirtualQueue[] Queues { get; private set; } = [];
    public int Limbo => Queues.Length - 1;

    /// <summary>Shortest promise of a first token seen, by model [s].</summary>
    private readonly List<double> _tightest = [];
    private readonly List<long> _askedAt = []; // by model: when it was last asked for with such a promise [ticks]
    private readonly List<int> _waiting = []; // by model
    private int _nextTurn;

    /// <summary>When a plan is wanted out of turn.</summary>
    public Instant WantedAt { get; private set; } = Instant.Never;

    public void Want(Instant at) => WantedAt = at < WantedAt ? at : WantedAt;
    public void WantNothing() => WantedAt = Instant.Never;

    public void Show(List<QueuedGroup> groups)
    {
        for (var v = 0; v < Queues.Length; v++)
        {
            var engine = v == Limbo ? EngineId.None : new EngineId(v);
            for (var at = 0; at < Queues[v].Count; at++)
            {
                var group = Queues[v].Groups[at];
                ref var g = ref Backlog.Group(group);
                var (deadline, first) = g.Waiting == 0
                    ? (Instant.Never, new RequestId(-1))
                    : (new Instant(Backlog.DeadlineOf(group)), Backlog[g.First].Request.Id);
                groups.Add(new(engine, at, g.Number, g.Model, g.Waiting, g.Away, deadline, first));
            }
        }
    }

    public void Begin(ClusterView view)
    {
        if (Queues.Length > 0) return;
        Queues = new VirtualQueue[view.Engines.Length + 1];
        for (var v = 0; v < Queues.Length; v++) Queues[v] = new();
        Loads.Begin(view.Engines.Length);
    }

    public int WaitingOf(ModelId model) => model.Index < _waiting.Count ? _waiting[model.Index] : 0;

    public void SeePromise(Request request)
    {
        while (_tightest.Count <= request.Model.Index)
        {
            _tightest.Add(double.PositiveInfinity);
            _askedAt.Add(long.MinValue);
        }

        if (request.Slo.Ttft == TimeSpan.MaxValue) return;
        _tightest[request.Model.Index] = Math.Min(_tightest[request.Model.Index], request.Slo.Ttft.TotalSeconds);
        _askedAt[request.Model.Index] = request.Arrival.Ticks;
    }

    /// <summary>The engine keeps its model: promises made for it are shorter than two loads, so nobody can swap in between.
    /// While requests wait for a model that no engine has, only the first engine of each model is pinned.</summary>
    public bool IsPinned(int engine, ClusterView view)
    {
        if (!Options.PinInteractive) return false;
        var model = Loads.ModelOf(engine, view);
        if (!IsUrgent(engine, model, view)) return false;
        return EngineWith(model, except: -1, view) == engine || !IsAnyModelMissing(view);
    }

    private bool IsAnyModelMissing(ClusterView view)
    {
        for (var m = 0; m < _waiting.Count; m++)
            if (_waiting[m] > 0 && EngineWith(new(m), except: -1, view) < 0) return true;
        return false;
    }

    /// <summary>The first engine that has a model or is loading it, or -1.</summary>
    private int EngineWith(ModelId model, int except, ClusterView view)
    {
        for (var v = 0; v < view.Engines.Length; v++)
            if (v != except && view.Engines[v].IsPresent && Loads.ModelOf(v, view) == model) return v;
        return -1;
    }

    /// <summary>The engine keeps its model from another that has an engine: see <see cref="QlmOptions.Keep"/>.</summary>
    private bool IsKept(int engine, ModelId from, ClusterView view)
    {
        if (Options.Keep == TimeSpan.Zero) return false;
        var model = Loads.ModelOf(engine, view);
        return IsUrgent(engine, model, view) && view.Now.Ticks - _askedAt[model.Index] < Options.Keep.Ticks
            && EngineWith(model, engine, view) < 0 && EngineWith(from, engine, view) >= 0;
    }

    private bool IsUrgent(int engine, ModelId model, ClusterView view) =>
        model.Index < _tightest.Count && _tightest[model.Index] < 2 * Speeds.LoadSeconds(new(engine), model, view);

    /// <summary>Until when the engine keeps its model [ticks]: for as long as its load took in any case, and while somebody
    /// waits for the model a multiple of that. Nobody stays idle for a model that nobody wants.</summary>
    public long StayUntil(int engine, ClusterView view)
    {
        ref var account = ref Loads[engine];
        return account.Loading < 0 && WaitingOf(view.Engines[engine].Model) > 0 ? account.ResidentUntil : account.LeastUntil;
    }

    /// <summary>The engine has the model, or may load it.</summary>
    public bool CanServe(int engine, ModelId model, ClusterView view) =>
        view.Engines[engine].IsPresent && Speeds.CanRun(new(engine), model, view) &&
        (Loads.ModelOf(engine, view) == model || (Options.Swapping && !IsPinned(engine, view) && !IsKept(engine, model, view)));

    /// <summary>It takes no requests now, because it is to leave or somebody doubts it.</summary>
    public bool IsClosed(int engine, ClusterView view) => view.Engines[engine].OutstandingMax == 0 ||
        (view.Engines[engine].IsPresent && !view.Engines[engine].IsReady && Loads[engine].Loading < 0);

    /// <summary>The group has an engine that it stays on: where its members run, or ran last if more may go there.</summary>
    public bool IsAtHome(int group, ClusterView view)
    {
        ref var g = ref Backlog.Group(group);
        if (g.Home >= 0 && (!view.Engines[g.Home].IsPresent || (g.Away == 0 && IsClosed(g.Home, view)))) g.Home = -1;
        return g.Home >= 0;
    }

    /// <summary>Time the engine needs for a group's waiting work [s].</summary>
    public double ServiceOf(int group, int engine, ClusterView view)
    {
        ref var g = ref Backlog.Group(group);
        return Speeds.Of(new(engine), g.Model, view).Seconds(in g.Work);
    }

    /// <summary>Until the group's first member begins, as it stood when its queue was last looked at [s].</summary>
    public double BeginOf(int group, ClusterView view)
    {
        ref var g = ref Backlog.Group(group);
        var elapsed = (view.Now.Ticks - g.AheadAt) / (double)TimeSpan.TicksPerSecond;
        return Math.Max(0, g.AheadSeconds - elapsed) + g.AheadLoads;
    }

    /// <summary>Until an idle engine has loaded a model, the stay of the one it has included [s].</summary>
    public double LoadFrom(int engine, ModelId model, ClusterView view) => Speeds.LoadSeconds(new(engine), model, view)
        + Math.Max(0, StayUntil(engine, view) - view.Now.Ticks) / (double)TimeSpan.TicksPerSecond;

    /// <summary>Puts a group that stands nowhere into the virtual queue where it begins soonest; ties go to the engine with
    /// the smaller share of its batch taken, then to the lowest id. One that takes no requests now is the last choice.
    /// Without balancing, engines take turns.</summary>
    public void Place(int group, ClusterView view)
    {
        ref var g = ref Backlog.Group(group);
        if (IsAtHome(group, view))
        {
            Insert(group, g.Home, view);
            return;
        }

        var best = Limbo;
        var least = (IsClosed: true, Begin: double.PositiveInfinity, Taken: double.PositiveInfinity);
        for (var i = 0; i < view.Engines.Length; i++)
        {
            var v = Options.Balancing ? i : (_nextTurn + i) % view.Engines.Length;
            if (!CanServe(v, g.Model, view)) continue;
            var speed = Speeds.Of(new(v), g.Model, view);
            var begin = AheadSeconds(Queues[v], Backlog.DeadlineOf(group), in speed) + Loads.LoadFor(v, g.Model, view).ResidualSeconds;
            var last = Queues[v].Count == 0 ? Loads.ModelOf(v, view) : Backlog.Group(Queues[v].Groups[^1]).Model;
            if (last != g.Model) begin += Speeds.LoadSeconds(new(v), g.Model, view) + Loads.DrainSeconds(v, view);
            var load = (IsClosed(v, view), begin, view.Engines[v].Outstanding / (double)speed.Batch);
            if (load.CompareTo(least) < 0) (best, least) = (v, load);
            if (!Options.Balancing) break;
        }

        if (best != Limbo) _nextTurn = (best + 1) % view.Engines.Length;
        Insert(group, best, view);
    }

    /// <summary>Puts a group into a virtual queue by deadline. One of the loaded model stands before the first load; one of
    /// another model goes to the end, until a plan decides.</summary>
    public void Insert(int group, int queue, ClusterView view)
    {
        ref var g = ref Backlog.Group(group);
        Check.That(g.Queue < 0);
        var q = Queues[queue];
        var key = Backlog.DeadlineOf(group);
        if (queue != Limbo && q.Count > 0)
        {
            var loaded = Loads.ModelOf(queue, view);
            var isLoadedFirst = Backlog.Group(q.Groups[0]).Model == loaded;
            if (g.Model == loaded && !q.IsLoadDecided)
            {
                if (!isLoadedFirst) q.FirstRunKey = q.FirstKey - 1;
                key = Math.Min(key, q.FirstRunKey);
            }
            else
            {
                if (q.FirstRunKey == long.MaxValue && isLoadedFirst) q.FirstRunKey = q.LastKey;
                key = Math.Max(key, q.LastKey);
            }
        }

        var at = q.Insert(group, key);
        g.Queue = queue;
        Count(q, in g, 1);
        if (queue != Limbo) LookAhead(group, q, queue, at, view);
    }

    /// <summary>Empties a queue; its groups stand nowhere until they are put somewhere.</summary>
    public void Clear(int queue)
    {
        foreach (var group in Queues[queue].Groups) Backlog.Group(group).Queue = -1;
        Queues[queue].Clear();
    }

    /// <summary>To the end of a queue, as a plan decided.</summary>
    /// <param name="key">No earlier than those before it.</param>
    public void Append(int group, int queue, long key)
    {
        ref var g = ref Backlog.Group(group);
        var q = Queues[queue];
        q.Insert(group, key);
        g.Queue = queue;
        Count(q, in g, 1);
    }

    /// <summary>After a queue's order or the loaded model changed: where its first run ends.</summary>
    public void FindFirstRun(int queue, bool isPlanned, ClusterView view)
    {
        var q = Queues[queue];
        (q.FirstRunKey, q.IsLoadDecided) = (long.MaxValue, false);
        if (q.Count == 0) return;
        var first = Backlog.Group(q.Groups[0]).Model;
        q.IsLoadDecided = isPlanned && first != Loads.ModelOf(queue, view);
        for (var i = 1; i < q.Count && q.FirstRunKey == long.MaxValue; i++)
            if (Backlog.Group(q.Groups[i]).Model != first) q.FirstRunKey = q.KeyAt(i - 1);
    }

    /// <summary>Out of its virtual queue, with what waits in it.</summary>
    public void TakeOut(int group)
    {
        ref var g = ref Backlog.Group(group);
        Count(Queues[g.Queue], in g, -1);
        Queues[g.Queue].Remove(group);
        g.Queue = -1;
    }

    /// <summary>Before and after a group's waiting members change, so that its queue's sums follow.</summary>
    public void Uncount(int group)
    {
        ref var g = ref Backlog.Group(group);
        if (g.Queue >= 0) Count(Queues[g.Queue], in g, -1);
    }

    public void Recount(int group)
    {
        ref var g = ref Backlog.Group(group);
        if (g.Queue >= 0) Count(Queues[g.Queue], in g, 1);
    }

    public void CountWaiting(ModelId model, int change)
    {
        while (_waiting.Count <= model.Index) _waiting.Add(0);
        _waiting[model.Index] += change;
    }

    /// <summary>Forgets a group that has no members left.</summary>
    public void ReleaseIfEmpty(int group)
    {
        ref var g = ref Backlog.Group(group);
        if (g.Waiting > 0) return;
        if (g.Queue >= 0)
        {
            Queues[g.Queue].Remove(group);
            g.Queue = -1;
        }

        if (g.Away > 0) return;
        Index.Close(group);
        Backlog.FreeGroup(group);
    }

    /// <summary>Most members of a group.</summary>
    public int GroupMax(ModelId model, ClusterView view) => Math.Max(1, (int)(Options.GroupCap * Speeds.BatchOf(model, view)));

    /// <summary>Work that is expected to join an open group before it begins [s].</summary>
    private double JoiningOf(in Group g, double beginSeconds, in Throughput speed, ClusterView view)
    {
        if (!g.IsOpen || g.Waiting == 0) return 0;
        var rate = g.Members / Math.Max(1, (view.Now.Ticks - g.MadeAt) / (double)TimeSpan.TicksPerSecond);
        var untilClosed = (GroupMax(g.Model, view) - g.Passed) * (double)g.Members / Math.Max(1, g.Passed);
        var newcomers = Math.Min(untilClosed, rate * beginSeconds);
        return Math.Max(0, newcomers) / g.Waiting * speed.Seconds(in g.Work);
    }

    /// <summary>Walks a whole queue and notes for every group what is ahead of it.</summary>
    public void LookAhead(int queue, ClusterView view)
    {
        var ahead = new Ahead(Loads.ModelOf(queue, view));
        var q = Queues[queue];
        for (var i = 0; i < q.Count; i++)
        {
            Approach(ref ahead, q.Groups[i], queue, view);
            Note(q.Groups[i], in ahead, view);
            Pass(ref ahead, q.Groups[i], queue, view);
        }
    }

    private void LookAhead(int group, VirtualQueue q, int queue, int at, ClusterView view)
    {
        var ahead = new Ahead(Loads.ModelOf(queue, view));
        var walked = Math.Min(at, WalkMax);
        for (var i = 0; i < walked; i++)
        {
            Approach(ref ahead, q.Groups[i], queue, view);
            Pass(ref ahead, q.Groups[i], queue, view);
        }

        if (at > WalkMax) ahead.Stretch(at / (double)WalkMax);
        Approach(ref ahead, group, queue, view);
        Note(group, in ahead, view);
    }

    /// <summary>Sums while walking along a queue.</summary>
    private struct Ahead(ModelId model)
    {
        public double Seconds, Variance, Joining, Loads;
        public int Requests;
        public ModelId Model = model;

        public void Stretch(double by)
        {
            (Seconds, Variance, Joining, Loads) = (Seconds * by, Variance * by, Joining * by, Loads * by);
            Requests = (int)(Requests * by);
        }
    }

    private void Approach(ref Ahead ahead, int group, int queue, ClusterView view)
    {
        ref var g = ref Backlog.Group(group);
        if (g.Model != ahead.Model) ahead.Loads += Speeds.LoadSeconds(new(queue), g.Model, view);
        ahead.Model = g.Model;
    }

    private void Note(int group, in Ahead ahead, ClusterView view)
    {
        ref var g = ref Backlog.Group(group);
        (g.AheadSeconds, g.AheadVariance, g.AheadJoining) = (ahead.Seconds, ahead.Variance, ahead.Joining);
        (g.AheadLoads, g.AheadRequests, g.AheadAt) = (ahead.Loads, ahead.Requests, view.Now.Ticks);
    }

    private void Pass(ref Ahead ahead, int group, int queue, ClusterView view)
    {
        ref var g = ref Backlog.Group(group);
        var speed = Speeds.Of(new(queue), g.Model, view);
        ahead.Joining += JoiningOf(in g, ahead.Seconds + ahead.Joining + ahead.Loads, in speed, view);
        ahead.Seconds += speed.Seconds(in g.Work);
        ahead.Variance += speed.Variance(in g.Work);
        ahead.Requests += g.Waiting;
    }

    /// <summary>Work of those that would stand before a newcomer with the key; beyond a number of groups, in
    /// proportion.</summary>
    private double AheadSeconds(VirtualQueue q, long key, in Throughput speed)
    {
        var at = q.PlaceOf(key);
        if (at > WalkMax) return speed.Seconds(q.Work) * at / q.Count;
        var work = default(Work);
        foreach (var group in q.Groups[..at]) work += Backlog.Group(group).Work;
        return speed.Seconds(in work);
    }

    private static void Count(VirtualQueue q, in Group g, int sign)
    {
        q.Requests += sign * g.Waiting;
        if (sign > 0) q.Work += g.Work;
        else q.Work -= g.Work;
    }
}
