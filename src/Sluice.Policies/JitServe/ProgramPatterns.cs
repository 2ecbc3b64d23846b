using Sluice.Core;

namespace Sluice.Policies;

/// <summary>A stage of a program as it was seen: all its calls together.</summary>
/// <param name="In">Mean prompt tokens of a call.</param>
/// <param name="Out">Mean output tokens of a call.</param>
/// <param name="Calls">Calls in the stage (fan-out).</param>
/// <param name="Seconds">From the arrival of its first call to the end of its last.</param>
public readonly record struct StagePattern(double In, double Out, int Calls, double Seconds);

/// <summary>How programs that have ended went, and how much of their time a new one will have used at each stage.</summary>
/// <remarks>
/// Source: JITServe (NSDI 2026): the best match by the stages seen so far says the share of the time that each stage may end by. The
/// distance is ours [I]: over the stages of the prefix |log of the ratio of prompts| + |log of the ratio of answers| + difference of
/// fan-outs. Shares are cumulative and include the stage itself (the published code leaves it out, which gives the first stage no
/// time). At most <see cref="RememberedMax"/> programs; a new one near an old one of the same stages is merged into it, and otherwise the
/// oldest is forgotten.
/// </remarks>
public sealed class ProgramPatterns
{
    public const int RememberedMax = 1000;

    /// <summary>Distance per stage within which two programs are one pattern.</summary>
    private const double Near = 0.1;

    private readonly List<(StagePattern[] Stages, int Weight)> _known = [];

    public int Count => _known.Count;

    public void Learn(IReadOnlyList<StagePattern> stages)
    {
        for (var k = 0; k < _known.Count; k++)
        {
            var (known, weight) = _known[k];
            if (known.Length != stages.Count || Distance(known, stages) > Near * stages.Count) continue;
            for (var s = 0; s < known.Length; s++) known[s] = Mean(known[s], weight, stages[s]);
            _known[k] = (known, Math.Min(weight + 1, 100));
            return;
        }

        if (_known.Count == RememberedMax) _known.RemoveAt(0);
        _known.Add(([.. stages], 1));
    }

    /// <summary>Share of the whole time by which a stage has to be over, and how many stages there will be.</summary>
    /// <param name="seen">Stages so far, the present one last; what is not known of it yet may be 0.</param>
    /// <param name="stage">From 0.</param>
    /// <returns>Null when no program known has so many stages.</returns>
    public (double Share, int Stages)? ShareUpTo(IReadOnlyList<StagePattern> seen, int stage)
    {
        var (best, distance) = (-1, double.MaxValue);
        for (var k = 0; k < _known.Count; k++)
        {
            if (_known[k].Stages.Length <= stage) continue;
            var d = Distance(_known[k].Stages, seen);
            if (d < distance) (best, distance) = (k, d);
        }

        if (best < 0) return null;
        var stages = _known[best].Stages;
        var (sum, upTo) = (0.0, 0.0);
        for (var s = 0; s < stages.Length; s++)
        {
            sum += stages[s].Seconds;
            if (s <= stage) upTo += stages[s].Seconds;
        }

        return (sum <= 0 ? (stage + 1.0) / stages.Length : upTo / sum, stages.Length);
    }

    /// <summary>Over the stages of the shorter; an answer that is not known yet does not count.</summary>
    private static double Distance(StagePattern[] known, IReadOnlyList<StagePattern> seen)
    {
        var distance = 0.0;
        for (var s = 0; s < Math.Min(known.Length, seen.Count); s++)
        {
            distance += LogRatio(known[s].In, seen[s].In);
            if (seen[s].Out > 0) distance += LogRatio(known[s].Out, seen[s].Out) + Math.Abs(known[s].Calls - seen[s].Calls);
        }

        return distance;
    }

    private static double LogRatio(double a, double b) => Math.Abs(Math.Log(Math.Max(1, a) / Math.Max(1, b)));

    private static StagePattern Mean(StagePattern known, int weight, StagePattern seen)
    {
        return new(M(known.In, seen.In), M(known.Out, seen.Out), known.Calls, M(known.Seconds, seen.Seconds));

        double M(double a, double b) => a + (b - a) / (weight + 1);
    }
}
