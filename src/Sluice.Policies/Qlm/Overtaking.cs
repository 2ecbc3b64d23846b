using Sluice.Core;

namespace Sluice.Policies;

/// <summary>How much work comes per second with which promise: what of it will stand in front of somebody who waits
/// already.</summary>
/// <remarks>
/// Who waits W behind work A is overtaken by later arrivals of each tighter promise p that come soon enough to be due
/// earlier: W = A + Σ ρ(p) · min(W, D − p − now, T(p)), where ρ is the share of the engine's time that they need, D when the
/// one who waits is due, and T for how long they have been coming: nobody knows how long they go on, and as long again is
/// assumed. The right side bends where the minimum changes, so the smallest solution is found by taking the bends in order.
/// Rates are kept fading over a minute, over four and over sixteen, and a wait is reckoned with the one that looks back as far
/// as it looks ahead: near a full engine 1/(1 − ρ) makes a long wait of a short burst. At most 16 promises per model are told
/// apart, each within a quarter of itself; further ones count for the nearest. O(promises · log promises).
/// Source: ours; QLM's estimate has no overtaking. The form is that of waiting times under dynamic priorities (Jackson, 1960).
/// </remarks>
internal sealed class Overtaking
{
    private const double ShortFade = 60, MiddleFade = 240, LongFade = 960; // s
    private const int PromisesMax = 16;
    private const double Width = 0.25;
    private const double LeastSeconds = 5;

    private readonly List<List<Stream>> _models = [];

    /// <summary>Arrivals of one promise [s]: their work, faded in three ways, since when, and when that was [ticks].</summary>
    private record struct Stream(double Promise, Work Short, Work Middle, Work Long, long Since, long At);

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
            streams.Add(new(promise, work, work, work, now, now));
            return;
        }

        var s = streams[at];
        var seconds = Seconds(now - s.At);
        streams[at] = s with
        {
            Short = s.Short * Math.Exp(-seconds / ShortFade) + work, Middle = s.Middle * Math.Exp(-seconds / MiddleFade) + work,
            Long = s.Long * Math.Exp(-seconds / LongFade) + work, At = now,
        };
    }

    /// <summary>The wait with those who will overtake [s].</summary>
    /// <param name="ahead">The wait without them [s].</param>
    /// <param name="promise">Of the one who waits, from arrival to deadline [s].</param>
    /// <param name="slack">From now to the deadline that it is ordered by [s].</param>
    /// <param name="share">Of the model's arrivals that come to this engine: 0 to 1.</param>
    public double Wait(ModelId model, double ahead, double promise, double slack, double share, in Throughput speed, long now)
    {
        if (model.Index >= _models.Count) return ahead;
        var wait = Wait(model, ahead, promise, slack, share, ShortFade, in speed, now);
        if (wait > ShortFade) wait = Wait(model, ahead, promise, slack, share, MiddleFade, in speed, now);
        return wait > MiddleFade ? Wait(model, ahead, promise, slack, share, LongFade, in speed, now) : wait;
    }

    private double Wait(
        ModelId model, double ahead, double promise, double slack, double share, double fade, in Throughput speed, long now)
    {
        Span<(double Until, double Load)> others = stackalloc (double, double)[PromisesMax];
        var count = 0;
        foreach (var s in _models[model.Index])
        {
            if (s.Promise > promise * (1 - Width) || s.Promise >= slack) continue;
            others[count++] = (Math.Min(slack - s.Promise, Seconds(now - s.Since)), share * speed.Seconds(RateOf(in s, fade, now)));
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
    private static Work RateOf(in Stream s, double fade, long now)
    {
        var since = Seconds(now - s.Since);
        if (since < LeastSeconds) return default;
        var work = fade == ShortFade ? s.Short : fade == MiddleFade ? s.Middle : s.Long;
        return work * (Math.Exp(-Seconds(now - s.At) / fade) / (fade * (1 - Math.Exp(-since / fade))));
    }

    private static double Distance(double a, double b) => Math.Abs(a - b) / Math.Max(a, b);
    private static double Seconds(long ticks) => ticks / (double)TimeSpan.TicksPerSecond;
}
