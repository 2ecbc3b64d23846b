using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>When each engine has its next turn, and whose is first; at one instant the lowest id.</summary>
/// <remarks>A small fleet is scanned: a look at 32 neighbouring numbers costs less than keeping a heap in order. A large one
/// has a heap.</remarks>
internal sealed class TurnQueue
{
    private const int ScanMax = 32;

    private readonly long[] _ticks;
    private readonly IndexedHeap? _heap;
    private int _first;

    public TurnQueue(int engines)
    {
        _ticks = new long[engines];
        Array.Fill(_ticks, long.MaxValue);
        if (engines > ScanMax) _heap = new IndexedHeap();
    }

    /// <summary>Ticks of the first turn; <see cref="long.MaxValue"/> when nobody has one.</summary>
    public long FirstTicks => _heap?.MinKey ?? _ticks[_first];

    /// <summary>The engine whose turn is first; meaningless when nobody has one.</summary>
    public int First => _heap?.MinItem ?? _first;

    /// <param name="ticks"><see cref="long.MaxValue"/> for no turn.</param>
    public void Set(int engine, long ticks)
    {
        if (_ticks[engine] == ticks) return;
        _ticks[engine] = ticks;
        if (_heap is not null)
        {
            if (ticks < long.MaxValue) _heap.Set(engine, ticks, engine);
            else _heap.Remove(engine);
            return;
        }

        if (engine == _first) _first = Scan();
        else if (ticks < _ticks[_first] || (ticks == _ticks[_first] && engine < _first)) _first = engine;
    }

    private int Scan()
    {
        var first = 0;
        for (var i = 1; i < _ticks.Length; i++)
            if (_ticks[i] < _ticks[first]) first = i;
        return first;
    }
}
