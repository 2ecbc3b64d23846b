namespace Sluice.Core;

/// <summary>A queue per model with a router in front: a request goes to an engine at once if one has room, else it waits its
/// turn.</summary>
/// <param name="order">First come, first served when null.</param>
/// <remarks>The way of every plain gateway. A request whose model is loaded nowhere waits until it is. O(log queue) beside the
/// router's own cost.</remarks>
public sealed class RoutedQueue(IRouter router, IRequestOrder? order = null) : IGlobalScheduler
{
    private readonly List<ModelQueue> _queues = [];

    public bool ReadsReports => router.ReadsReports;

    public EngineId OnQueued(in QueuedRequest request, ClusterView view)
    {
        var queue = QueueOf(request.Request.Model);
        if (queue.Count == 0 && router.Pick(request.Request, view) is var engine && engine != EngineId.None)
        {
            router.OnSent(request.Request, engine, view.Now);
            return engine;
        }

        queue.Add(request.Request, order?.KeyOf(request.Request) ?? request.Request.Arrival.Ticks);
        return EngineId.None;
    }

    public void OnWithdrawn(Request request, ClusterView view) => QueueOf(request.Model).Remove(request.Id);

    public bool TryTake(EngineId engine, ClusterView view, out RequestId request)
    {
        var queue = QueueOf(view.Engines[engine.Index].Model);
        request = default;
        if (queue.Count == 0) return false;
        var taken = queue.TakeFirst();
        router.OnSent(taken, engine, view.Now);
        request = taken.Id;
        return true;
    }

    public void OnFirstToken(Request request, EngineId engine, ClusterView view) =>
        router.OnFirstToken(request, engine, view.Now);

    public void OnOff(Request request, EngineId engine, EventKind how, int outputTokens, ClusterView view) =>
        router.OnOff(request, engine, how, outputTokens, view.Now);

    private ModelQueue QueueOf(ModelId model)
    {
        while (_queues.Count <= model.Index) _queues.Add(new());
        return _queues[model.Index];
    }

    /// <summary>Requests by key; slots are small integers for the heap's sake.</summary>
    private sealed class ModelQueue
    {
        private readonly IdMap _slots = new();
        private readonly IndexedHeap _byKey = new();
        private readonly Stack<int> _free = [];
        private Request[] _requests = new Request[64];
        private int _used;

        public int Count => _byKey.Count;

        public void Add(Request request, long key)
        {
            if (!_free.TryPop(out var slot)) slot = _used++;
            if (slot == _requests.Length) Array.Resize(ref _requests, slot * 2);
            _requests[slot] = request;
            _slots.Add(request.Id, slot);
            _byKey.Set(slot, key, request.Id.Value);
        }

        public Request TakeFirst()
        {
            var request = _requests[_byKey.MinItem];
            Remove(request.Id);
            return request;
        }

        public void Remove(RequestId id)
        {
            var isThere = _slots.Remove(id, out var slot);
            Check.That(isThere);
            _byKey.Remove(slot);
            _requests[slot] = null!;
            _free.Push(slot);
        }
    }
}
