using Sluice.Core;

namespace Sluice.Policies;

/// <summary>The order of groups for one engine: the order in which they will run.</summary>
/// <remarks>
/// Each group has a key, ascending. A plan sets the order and gives each group the earliest deadline from it on as key;
/// between plans a newcomer stands behind the keys that are not later than its own. O(log groups) to find its place, plus
/// moving what follows.
/// </remarks>
internal sealed class VirtualQueue
{
    private int[] _groups = new int[16];
    private long[] _keys = new long[16];

    public int Count { get; private set; }
    public ReadOnlySpan<int> Groups => _groups.AsSpan(0, Count);

    /// <summary>Everybody waiting in it, and their work.</summary>
    public int Requests { get; set; }
    public Work Work { get; set; }

    /// <summary>Key of the last group of the first run of one model; a newcomer of that model goes no further back, so that
    /// it does not cause a model load between two plans.</summary>
    public long FirstRunKey { get; set; } = long.MaxValue;

    /// <summary>A plan put a group of another model than the loaded one first: newcomers stand behind it.</summary>
    public bool IsLoadDecided { get; set; }

    public long FirstKey => _keys[0];
    public long LastKey => Count == 0 ? long.MinValue : _keys[Count - 1];

    /// <returns>Its position.</returns>
    public int Insert(int group, long key)
    {
        if (Count == _groups.Length)
        {
            Array.Resize(ref _groups, Count * 2);
            Array.Resize(ref _keys, Count * 2);
        }

        var at = PlaceOf(key);
        Array.Copy(_groups, at, _groups, at + 1, Count - at);
        Array.Copy(_keys, at, _keys, at + 1, Count - at);
        (_groups[at], _keys[at]) = (group, key);
        Count++;
        return at;
    }

    public void Remove(int group)
    {
        var at = Array.IndexOf(_groups, group, 0, Count);
        Check.That(at >= 0);
        Count--;
        Array.Copy(_groups, at + 1, _groups, at, Count - at);
        Array.Copy(_keys, at + 1, _keys, at, Count - at);
        if (Count == 0) Clear();
    }

    public void Clear()
    {
        Count = 0;
        (FirstRunKey, IsLoadDecided) = (long.MaxValue, false);
        (Requests, Work) = (0, default);
    }

    public long KeyAt(int position) => _keys[position];

    /// <summary>Where a newcomer with the key would stand.</summary>
    public int PlaceOf(long key)
    {
        var (low, high) = (0, Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_keys[middle] <= key) low = middle + 1;
            else high = middle;
        }

        return low;
    }
}
