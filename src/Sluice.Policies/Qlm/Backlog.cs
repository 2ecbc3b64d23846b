using Sluice.Core;

namespace Sluice.Policies;

/// <summary>A live request: waiting in its group, or on an engine.</summary>
internal struct Entry
{
    public Request Request;
    public TokenEstimate Predicted;

    /// <summary>Tokens it had when it was queued last.</summary>
    public int OutputTokens;

    public EngineId KvAt;

    /// <summary>The engine it is on; none while it waits.</summary>
    public EngineId Engine;
    public long Deadline; // ticks
    public long QueuedAt; // ticks
    public int Group;
    public int Next, Previous; // in its group's waiting list, or among the requests on its engine
    public int NextMinimum, PreviousMinimum; // in its group's chain of earliest deadlines
    public bool IsMinimum;
    public bool HasFirstToken;

    /// <summary>Evicted, or its engine was lost: it stands at the head of its group.</summary>
    public bool IsReturned;

    /// <summary>Its eviction was asked for and is not confirmed.</summary>
    public bool IsLeaving;

    /// <summary>It cannot leave the engine that it is on.</summary>
    public bool Stays;

    /// <summary>On an engine: KV tokens it needed at once, and the engine's clock when it was sent.</summary>
    public double KvTokens, StartClock;

    /// <summary>On an engine: prompt tokens sent there up to its own.</summary>
    public double SentUpTo;

    /// <summary>Predicted when it was queued [s]; NaN when nothing was predicted.</summary>
    public double WaitMean, WaitP90;

    /// <summary>KV tokens it needs at once.</summary>
    public readonly int StartTokens => Request.PromptTokens + OutputTokens;

    /// <summary>Tokens it has still to produce, as predicted; at least 1.</summary>
    public readonly double RemainingTokens => Math.Max(1, Predicted.Mean - OutputTokens);

    /// <summary>Tokens it has still to compute before the next token: none with KV.</summary>
    public readonly double PrefillTokens => KvAt == EngineId.None ? Request.PromptTokens + OutputTokens : 0;

    public readonly Work Work => Work.Of(StartTokens, RemainingTokens, Predicted.Variance, PrefillTokens);
}

/// <summary>Waiting requests that are planned as one, first come first served inside.</summary>
internal struct Group
{
    /// <summary>Order in which groups were made; breaks every tie.</summary>
    public long Number;

    public ModelId Model;
    public int First, Last; // waiting
    public int FirstMinimum, LastMinimum;
    public int Waiting;

    /// <summary>Members on an engine or on their way back from one.</summary>
    public int Away;

    /// <summary>Virtual queue it stands in, or -1.</summary>
    public int Queue;

    /// <summary>Engine it started on, where it stays; or -1.</summary>
    public int Home;
    public bool IsStarted;

    /// <summary>Of those waiting.</summary>
    public Work Work;

    /// <summary>Centre of its members in (log promise, log prompt, log predicted output), and how many made it.</summary>
    public double LogPromise, LogPrompt, LogOutput;
    public int Members;

    /// <summary>Requests of its model and promise that came since it was made, its members included, while it was
    /// open.</summary>
    public int Passed;

    /// <summary>Work ahead of it when it was last looked at: mean [s], variance [s²], model loads [s], requests, and when
    /// that was [ticks].</summary>
    public double AheadSeconds, AheadVariance, AheadLoads;

    /// <summary>Work that is expected to join the groups ahead before they begin [s].</summary>
    public double AheadJoining;

    /// <summary>When it was made [ticks]; newcomers may join it from then on while it is open.</summary>
    public long MadeAt;
    public bool IsOpen;
    public int AheadRequests;
    public long AheadAt;

    /// <summary>A violation was predicted and has been planned for, or is about to be.</summary>
    public bool IsLate;
}

/// <summary>All live requests and groups, in arrays whose slots are reused.</summary>
/// <remarks>A group's earliest deadline is the front of a monotone chain through its members (sliding-window minimum), so that
/// adding, taking and reading cost O(1) amortised; taking one out of the middle costs O(members).</remarks>
internal sealed class Backlog
{
    private readonly IdMap _slots = new();
    private readonly List<int> _freeEntries = new(64);
    private readonly List<int> _freeGroups = new(64);
    private Entry[] _entries = new Entry[256];
    private Group[] _groups = new Group[256];
    private int _usedEntries;
    private long _groupsMade;

    /// <summary>One past the highest group slot ever used; a free one has no model (-1).</summary>
    public int UsedGroups { get; private set; }

    public int Waiting { get; private set; }

    public ref Entry this[int entry] => ref _entries[entry];
    public ref Group Group(int group) => ref _groups[group];
    public bool TryFind(RequestId id, out int entry) => _slots.TryGet(id, out entry);

    /// <summary>Ticks; the front of the chain. Only of a group with somebody waiting.</summary>
    public long DeadlineOf(int group) => _entries[_groups[group].FirstMinimum].Deadline;

    public int AddEntry(in Entry entry)
    {
        var slot = Take(_freeEntries, ref _usedEntries);
        if (slot == _entries.Length) Array.Resize(ref _entries, slot * 2);
        _entries[slot] = entry;
        _slots.Add(entry.Request.Id, slot);
        return slot;
    }

    public void FreeEntry(int entry)
    {
        _slots.Remove(_entries[entry].Request.Id, out _);
        _entries[entry] = default;
        _freeEntries.Add(entry);
    }

    public int AddGroup(ModelId model, long now)
    {
        var used = UsedGroups;
        var slot = Take(_freeGroups, ref used);
        UsedGroups = used;
        if (slot == _groups.Length) Array.Resize(ref _groups, slot * 2);
        _groups[slot] = new()
        {
            Number = _groupsMade++, Model = model, First = -1, Last = -1, FirstMinimum = -1, LastMinimum = -1, Queue = -1, Home = -1,
            MadeAt = now,
        };
        return slot;
    }

    public void FreeGroup(int group)
    {
        Check.That(_groups[group] is { Waiting: 0, Away: 0, Queue: -1 });
        _groups[group] = new() { Model = new(-1) };
        _freeGroups.Add(group);
    }

    /// <summary>To the end of its group's waiting list.</summary>
    public void Append(int entry, int group)
    {
        ref var e = ref _entries[entry];
        ref var g = ref _groups[group];
        (e.Group, e.Next, e.Previous) = (group, -1, g.Last);
        if (g.Last >= 0) _entries[g.Last].Next = entry;
        else g.First = entry;
        g.Last = entry;
        Count(ref g, in e, 1);
        ChainLast(ref g, entry);
    }

    /// <summary>To the head of its group, behind those that came back before it and are older.</summary>
    public void Return(int entry, int group)
    {
        ref var e = ref _entries[entry];
        ref var g = ref _groups[group];
        e.IsReturned = true;
        var next = g.First;
        while (next >= 0 && _entries[next].IsReturned && _entries[next].Request.Id.Value < e.Request.Id.Value)
            next = _entries[next].Next;

        var previous = next >= 0 ? _entries[next].Previous : g.Last;
        (e.Group, e.Next, e.Previous) = (group, next, previous);
        if (previous >= 0) _entries[previous].Next = entry;
        else g.First = entry;
        if (next >= 0) _entries[next].Previous = entry;
        else g.Last = entry;
        Count(ref g, in e, 1);
        if (previous >= 0) Rechain(ref g);
        else ChainFirst(ref g, entry);
    }

    /// <summary>Out of its group's waiting list.</summary>
    public void Unlink(int entry)
    {
        ref var e = ref _entries[entry];
        ref var g = ref _groups[e.Group];
        var wasFirst = e.Previous < 0;
        if (wasFirst) g.First = e.Next;
        else _entries[e.Previous].Next = e.Next;
        if (e.Next >= 0) _entries[e.Next].Previous = e.Previous;
        else g.Last = e.Previous;
        Count(ref g, in e, -1);
        if (!e.IsMinimum) return;
        if (wasFirst) UnchainFirst(ref g);
        else Rechain(ref g);
    }

    /// <summary>Moves the last members that hold no KV to another group of the same model, their order kept.</summary>
    public void SplitTail(int from, int to, int count)
    {
        var first = _groups[from].Last;
        for (var i = 1; i < count && !_entries[first].IsReturned; i++) first = _entries[first].Previous;
        if (_entries[first].IsReturned) first = _entries[first].Next;
        for (var entry = first; entry >= 0;)
        {
            var next = _entries[entry].Next;
            Unlink(entry);
            Append(entry, to);
            entry = next;
        }
    }

    /// <summary>Moves all waiting members behind those of another group of the same model, their order kept.</summary>
    public void MoveAll(int from, int to)
    {
        for (var entry = _groups[from].First; entry >= 0;)
        {
            var next = _entries[entry].Next;
            Unlink(entry);
            Append(entry, to);
            entry = next;
        }
    }

    /// <summary>A waiting member's KV is gone; it will have to prefill.</summary>
    public void LoseKv(int entry)
    {
        ref var e = ref _entries[entry];
        e.KvAt = EngineId.None;
        _groups[e.Group].Work.PrefillTokens += e.PrefillTokens;
    }

    private void Count(ref Group g, in Entry e, int sign)
    {
        Waiting += sign;
        g.Waiting += sign;
        if (g.Waiting == 0)
        {
            g.Work = default; // An empty group sheds accumulated rounding.
            return;
        }

        if (sign > 0) g.Work += e.Work;
        else g.Work -= e.Work;
    }

    private void ChainLast(ref Group g, int entry)
    {
        ref var e = ref _entries[entry];
        while (g.LastMinimum >= 0 && _entries[g.LastMinimum].Deadline > e.Deadline)
        {
            ref var worse = ref _entries[g.LastMinimum];
            g.LastMinimum = worse.PreviousMinimum;
            worse.IsMinimum = false;
        }

        (e.IsMinimum, e.PreviousMinimum, e.NextMinimum) = (true, g.LastMinimum, -1);
        if (g.LastMinimum >= 0) _entries[g.LastMinimum].NextMinimum = entry;
        else g.FirstMinimum = entry;
        g.LastMinimum = entry;
    }

    private void ChainFirst(ref Group g, int entry)
    {
        ref var e = ref _entries[entry];
        e.IsMinimum = false;
        if (g.FirstMinimum >= 0 && _entries[g.FirstMinimum].Deadline < e.Deadline) return;
        (e.IsMinimum, e.PreviousMinimum, e.NextMinimum) = (true, -1, g.FirstMinimum);
        if (g.FirstMinimum >= 0) _entries[g.FirstMinimum].PreviousMinimum = entry;
        else g.LastMinimum = entry;
        g.FirstMinimum = entry;
    }

    private void UnchainFirst(ref Group g)
    {
        ref var e = ref _entries[g.FirstMinimum];
        e.IsMinimum = false;
        g.FirstMinimum = e.NextMinimum;
        if (g.FirstMinimum >= 0) _entries[g.FirstMinimum].PreviousMinimum = -1;
        else g.LastMinimum = -1;
    }

    private void Rechain(ref Group g)
    {
        (g.FirstMinimum, g.LastMinimum) = (-1, -1);
        for (var entry = g.First; entry >= 0; entry = _entries[entry].Next) ChainLast(ref g, entry);
    }

    private static int Take(List<int> free, ref int used)
    {
        if (free.Count == 0) return used++;
        var slot = free[^1];
        free.RemoveAt(free.Count - 1);
        return slot;
    }
}
