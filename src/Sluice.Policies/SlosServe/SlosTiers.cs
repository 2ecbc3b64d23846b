using Sluice.Core;

namespace Sluice.Policies;

/// <summary>The promised times per token that requests of an engine come with, and a loose one above them.</summary>
/// <remarks>At most three are told apart; a fourth counts as the next tighter one, or as the tightest.</remarks>
internal sealed class SlosTiers(TimeSpan loosest)
{
    public const int PromisedMax = 3;

    private readonly List<long> _promised = new(PromisedMax);

    /// <summary>Seconds per token, rising; the last is the loose one.</summary>
    public double[] Seconds { get; private set; } = [loosest.TotalSeconds];

    /// <summary>Index of the tier of a pace.</summary>
    /// <param name="isNew">A tier was added, and indices have changed.</param>
    public int Of(TimeSpan pace, out bool isNew)
    {
        isNew = false;
        if (pace >= loosest) return _promised.Count;
        var at = _promised.BinarySearch(pace.Ticks);
        if (at >= 0) return at;
        at = ~at;
        if (_promised.Count == PromisedMax) return Math.Max(0, at - 1);

        _promised.Insert(at, pace.Ticks);
        Seconds = [.. _promised.Select(t => new TimeSpan(t).TotalSeconds), loosest.TotalSeconds];
        isNew = true;
        return at;
    }

    /// <summary>The loosest tier that a time to the next token allows; 0 when none does.</summary>
    public int Within(double seconds)
    {
        var tier = 0;
        for (var k = 1; k < Seconds.Length; k++)
            if (Seconds[k] <= seconds) tier = k;
        return tier;
    }
}
