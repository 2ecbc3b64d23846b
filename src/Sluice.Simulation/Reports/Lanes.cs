namespace Sluice.Simulation;

/// <summary>Puts spans of time into lanes so that no two in a lane overlap: each goes into the first lane that is free
/// when it begins.</summary>
/// <remarks>Uses as few lanes as the most spans open at once. Spans must come in order of their beginning.</remarks>
internal sealed class Lanes
{
    private readonly List<long> _freeAt = [];
    private long _last = long.MinValue;

    public int Count => _freeAt.Count;

    /// <returns>The lane, from 0.</returns>
    public int Take(long begin, long end)
    {
        Sluice.Core.Check.That(begin >= _last);
        Sluice.Core.Check.That(end >= begin);
        _last = begin;

        for (var lane = 0; lane < _freeAt.Count; lane++)
        {
            if (_freeAt[lane] > begin) continue;
            _freeAt[lane] = end;
            return lane;
        }

        _freeAt.Add(end);
        return _freeAt.Count - 1;
    }
}
