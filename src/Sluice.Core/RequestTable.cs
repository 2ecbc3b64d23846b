namespace Sluice.Core;

/// <summary>A live request as the dispatcher sees it.</summary>
internal struct TrackedRequest
{
    public Request Request;
    public TokenEstimate Predicted;

    /// <summary>Where it runs; none while it is queued.</summary>
    public EngineId Engine;

    /// <summary>Whose host memory holds its KV after an eviction.</summary>
    public EngineId KvAt;

    /// <summary>Tokens its caller has from before it was evicted or its engine was lost.</summary>
    public int OutputTokens;

    /// <summary>The length predictor was told that it produces tokens, and not that it stopped.</summary>
    public bool IsProducing;

    /// <summary>Engines that handed it back since it was last queued for another reason.</summary>
    public int Declines;

    /// <summary>Its eviction was asked for without its KV.</summary>
    public bool LosesKv;

    /// <summary>Its caller left while it was on an engine; whatever takes it off ends it.</summary>
    public bool IsCancelled;
}

/// <summary>Live requests by id, in slots that are reused. Pages never move, so references stay good.</summary>
internal sealed class RequestTable
{
    private const int PageBits = 10;

    private readonly IdMap _slots = new();
    private readonly List<int> _free = new(64);
    private TrackedRequest[][] _pages = [new TrackedRequest[1 << PageBits]];

    public int Count => _slots.Count;

    /// <summary>One past the highest slot ever used; a free slot has no request.</summary>
    public int Used { get; private set; }

    public ref TrackedRequest this[int slot] => ref _pages[slot >> PageBits][slot & ((1 << PageBits) - 1)];

    public bool TryFind(RequestId request, out int slot) => _slots.TryGet(request, out slot);

    public int Add(Request request, TokenEstimate predicted)
    {
        var slot = Allocate();
        _slots.Add(request.Id, slot);
        this[slot] = new() { Request = request, Predicted = predicted, Engine = EngineId.None, KvAt = EngineId.None };
        return slot;
    }

    public void Remove(int slot)
    {
        _slots.Remove(this[slot].Request.Id, out _);
        this[slot] = default;
        _free.Add(slot);
    }

    private int Allocate()
    {
        if (_free.Count > 0)
        {
            var slot = _free[^1];
            _free.RemoveAt(_free.Count - 1);
            return slot;
        }

        if (Used == _pages.Length << PageBits)
        {
            Array.Resize(ref _pages, _pages.Length + 1);
            _pages[^1] = new TrackedRequest[1 << PageBits];
        }

        return Used++;
    }
}
