using Sluice.Core;

namespace Sluice.Policies;

/// <summary>How much work comes per second with which promise: what of it will stand in front of somebody who waits
/// already.</summary>
/// <remarks>
/// Who waits W behind work A is overtaken by later arrivals of each tighter promise p that come soon enough to be due
/// earlier: W = A + Σ ρ(p) · min(W, D − p − now), where ρ is the share of the engine's time that they need and D when the one
/// who waits is due. The right side bends at each D − p, so the smallest solution is found
/// by taking the bends in order. Rates fade over a minute. At most 16 promises per model are told apart, each
/// within a quarter of itself; further ones count for the nearest. O(promises · log promises).
/// Source: ours; QLM's estimate has no overtaking. The form is that of waiting times under dynamic priorities (Jackson, 1960).
/// </remarks>
internal sealed class Overtaking
{
    private const double FadeSeconds = 60;
    private const int PromisesMax = 16;
    private const double Width = 0.25;
    private const double LeastSeconds = 5;

    private readonly List<List<Stream>> _models = [];

    /// <summary>Arrivals of one promise [s]: their work, faded, since when, and when that was [ticks].</summary>
    private record struct Stream(double Promise, Work Faded, long Since, long At);

    /// <param name="promise">From arrival to the deadline [s].</param>
    public void Observe(ModelId model, double promise, in Work work, long now)
    {
        while (_models.Count <= model.Index) _models.Add(new(PromisesMax));
        var streams = _models[model.Index];
        var at = -1;
        for (var i = 0; i < streams.Count; i++)
            if (at < 0 || Distance(streams[i].Promise, promise) < Distance(streams[at].Promise, promise)) at = i;

        if (at < 0 || (Distance(streams[at].Promise, promise) > Width && streams.Count < PromisesMax))
        {
            streams.Add(new(promise, work, now, now));
            return;
        }

        var s = streams[at];
        streams[at] = s with { Faded = s.Faded * Math.Exp(-Seconds(now - s.At) / FadeSeconds) + work, At = now };
    }

    /// <summary>The wait with those who will overtake [s].</summary>
    /// <param name="ahead">The wait without them [s].</param>
    /// <param name="promise">Of the one who waits, from arrival to deadline [s].</param>
    /// <param name="slack">From now to the deadline that it is ordered by [s].</param>
    /// <param name="share">Of the model's arrivals that come to this engine: 0 to 1.</param>
    public double Wait(ModelId model, double ahead, double promise, double slack, double share, in Throughput speed, long now)
    {
        if (model.Index >= _models.Count) return ahead;
        Span<(double Until, double Load)> others = stackalloc (double, double)[PromisesMax];
        var count = 0;
        foreach (var s in _models[model.Index])
        {
            if (s.Promise > promise * (1 - Width) || s.Promise >= slack) continue;
            others[count++] = (slack - s.Promise, share * speed.Seconds(RateOf(in s, now)));
        }

        // Those that stop coming before the wait is over count in full, the others for as long as it lasts.
        others = others[..count];
        others.Sort(static (a, b) => a.Until.CompareTo(b.Until));
        var load = 0.0;
        foreach (var other in others) load += other.Load;
        foreach (var (until, part) in others)
        {
            if (load < 1 && ahead / (1 - load) <= until) break;
            ahead += part * until;
            load -= part;
        }

        return ahead / Math.Max(1e-9, 1 - Math.Max(0, load));
    }

    /// <summary>Work per second; nothing before there was time to see a rate.</summary>
    private static Work RateOf(in Stream s, long now)
    {
        var since = Seconds(now - s.Since);
        if (since < LeastSeconds) return default;
        var (faded, seen) = (Math.Exp(-Seconds(now - s.At) / FadeSeconds), FadeSeconds * (1 - Math.Exp(-since / FadeSeconds)));
        return s.Faded * (faded / seen);
    }

    private static double Distance(double a, double b) => Math.Abs(a - b) / Math.Max(a, b);
    private static double Seconds(long ticks) => ticks / (double)TimeSpan.TicksPerSecond;
}
