using static Sluice.Cli.PaperFigure;
using static Sluice.Cli.RowText;
using static Sluice.Cli.SmoothFigures;

namespace Sluice.Cli;

/// <summary>The paper's claims beside what came out.</summary>
/// <remarks>Its figures are known to us as findings [V, S], without numbers; what follows from its definitions, and the
/// limits of it, is ours [I].</remarks>
internal static class SmoothRows
{
    /// <summary>Share of the maximum by which a curve may go the wrong way.</summary>
    private const double Slack = 0.02;

    /// <summary>Of rounding, as a share.</summary>
    private const double Equal = 1e-9;

    public static IEnumerable<ReproductionRow> Of(SmoothFigures figures) =>
    [
        .. OverTheRate(figures), .. Chunking(figures), .. Holding(figures.Held), .. Abandoning(figures),
        new("handling by slack lowers harmful migrations and preemptions", Summarised("yes"), "-", false,
            "not reproduced. There is what it needs: the simulator moves a running request with its KV to another engine and charges the "
            + "link, a scheduler is told of every first token, and lateness per token is kept. There is no system that computes prompts on "
            + "some engines and answers on others, neither one that moves each answer at once nor one that waits until its reader is "
            + "ahead by the time of the move; and the paper's figures are not known to us"),
    ];

    private static IEnumerable<ReproductionRow> OverTheRate(SmoothFigures figures)
    {
        var points = figures.Curve(Chunked, Reader);
        var flat = points[^1].Throughput / points.Max(p => p.Throughput);
        yield return new(
            "throughput saturates and shows no best rate", Summarised("flat"),
            $"{Percent(flat)} of its maximum at twice saturation", flat >= 0.95,
            $"agrees from 95 %; saturation is {PerSecond(figures.Full)}");

        var smooth = Over(points, p => p.Worth[PaperPenalty]);
        var peak = RateCurve.Peak(smooth);
        yield return new(
            "smooth goodput has a single peak over the rate", Summarised("yes"),
            $"at {Times(peak)} saturation, {smooth[0].Value:0} to {smooth.Max(p => p.Value):0} to {smooth[^1].Value:0} "
            + "tokens/s",
            RateCurve.HasSinglePeak(smooth, Slack) && peak > Shares[0] && peak < Shares[^1],
            $"readers of 5 tokens/s, α = {PaperPenalty}; no step against it by more than {Percent(Slack)} of the peak");

        var idling = RateCurve.Exceeds(Over(points, p => p.Idle), 1);
        yield return new(
            "the peak is where idling begins", Inferred("±15 %"), $"at {Times(peak)}, idling at {Times(idling)}",
            Math.Abs(peak / idling - 1) <= 0.15,
            "idling begins where the mean is above 1 s: with the paper's clock it is hardly ever quite 0");

        double[] penalties = [.. Penalties.Where(a => a is > 0 and < Unbounded)];
        var peaks = penalties.Select(a => RateCurve.Peak(Over(points, p => p.Worth[a]))).ToArray();
        yield return new(
            "a larger α moves the best rate down", Summarised("yes"),
            List(penalties.Zip(peaks, (a, p) => ($"α {a}:", Times(p)))),
            peaks.Zip(peaks.Skip(1)).All(p => p.Second <= p.First) && peaks[^1] < peaks[0],
            "rate of the peak over saturation, never up and in all down");

        var counted = points.Max(p => Math.Abs(p.Worth[0] / p.Tokens - 1));
        yield return new(
            "α = 0 gives tokens per second", Inferred("equal"), $"at most {Percent(counted)} apart", counted <= Equal,
            "at every rate");

        var strict = points.Max(p => Math.Abs((p.Worth[Unbounded] + p.Tokens) / 2 - p.TokensInTime) / p.Tokens);
        yield return new(
            "a penalty that takes all for any idling gives goodput in tokens", Inferred("equal"),
            $"at most {Percent(strict)} apart", strict <= Equal,
            "α without bound: an answer is then worth its length or, by our floor, minus that; half of this and of all "
            + "tokens is the tokens of answers in time");
    }

    private static IEnumerable<ReproductionRow> Chunking(SmoothFigures figures)
    {
        var (chunked, whole) = (Peak(Chunked), Peak(Whole));
        yield return new(
            "chunked prefill moves the peak to a higher rate", Summarised("yes"),
            $"{Times(whole)} to {Times(chunked)} saturation", chunked > whole,
            $"{Whole} and {Chunked}; near saturation in steps of 2.5 %");

        var pairs = Shares.Zip(figures.Curve(Chunked, FastReader), figures.Curve(Whole, FastReader)).ToArray();
        var tails = pairs.Count(p => p.Second.GapP99 < p.Third.GapP99);
        double[] raised =
            [.. pairs.Where(p => IsRaised(Value(p.Second), Value(p.Third))).Select(p => p.First)];
        yield return new(
            "chunked prefill looks good on tail TBT, but does not always raise smooth goodput", Summarised("yes"),
            $"p99 TBT lower at {tails} of {pairs.Length} rates, smooth goodput raised at {raised.Length}",
            tails > pairs.Length / 2 && raised.Length < tails,
            $"raised: by at least 1 %, first at {Times(raised.DefaultIfEmpty(double.NaN).First())} saturation; below, "
            + "hardly anybody idles under either. Readers of the paper's first version, 20 tokens/s; α = 10 [I]");

        double Peak(Contender system) =>
            RateCurve.Peak(Over(figures.Curve(system, Reader), p => p.Worth[PaperPenalty]));
        static bool IsRaised(double to, double from) => to >= from + 0.01 * Math.Abs(from);
        static double Value(SmoothPoint point) => point.Worth[FastReader.IdlePenalty];
    }

    private static IEnumerable<ReproductionRow> Holding(HoldBack held)
    {
        double[] example = [0, 0.010, 0.020, 0.200];
        var paced = TokenStream.HeldBack(example, 0.200 / 3);
        var (before, after) = (TokenStream.LongestGap(example), TokenStream.LongestGap(paced));
        var (idle, idlePaced) = (Idle(example), Idle(paced));
        yield return new(
            "tokens at 0, 10, 20, 200 ms held back: max TBT better, reader not", Inferred("180 to 67 ms"),
            $"{before * 1000:0} to {after * 1000:0} ms, idle {Seconds(idle)} to {Seconds(idlePaced)}",
            Math.Abs(after - 0.067) < 0.001 && idlePaced >= idle, "released every 66.7 ms");
        yield return new(
            "holding back raises attainment of a TBT limit and not smooth goodput", Checked("yes"),
            $"within the limit {Percent(held.Within)} to {Percent(held.WithinHeld)}, worth more {held.Gained} of "
            + $"{held.Streams}",
            held.WithinHeld >= held.Within + 0.01 && held.Gained == 0,
            $"drawn streams with stalls, limit {Seconds(HoldBack.Limit)}, released {Seconds(HoldBack.Interval)} apart "
            + FormattableString.Invariant($"or more: mean worth {held.Worth:0.##} to {held.WorthHeld:0.##} tokens"));

        static double Idle(double[] times) => TokenStream.Idle(times, 0, Reader.Pace.TotalSeconds);
    }

    private static IEnumerable<ReproductionRow> Abandoning(SmoothFigures figures)
    {
        var (late, dropped) = figures.Burst(Overload);
        yield return new(
            "abandoning late requests raises classic goodput", Checked("yes"),
            $"{PerSecond(late.Goodput)} to {PerSecond(dropped.Goodput)}", dropped.Goodput > late.Goodput,
            $"{PerSecond(Overload * figures.Full)} for two minutes, {Overload} times saturation, promised {Promise}; "
            + $"dropped when the first token is late: {Percent(dropped.Dropped)}");

        var (a, b) = (late.Worth[PaperPenalty], dropped.Worth[PaperPenalty]);
        yield return new(
            "and does not raise smooth goodput", Inferred("yes"), $"{a:0} to {b:0} tokens/s", b <= a,
            $"the same runs; mean lateness {Seconds(late.Idle)}; a dropped request is charged until its caller would "
            + "have had enough");
        yield return new(
            "also where a dropped request just earns nothing", Checked("yes"), $"{a:0} to {dropped.Unpunished:0} tokens/s",
            dropped.Unpunished <= a, "the paper's own scoring, without our charge");

        var last = figures.Burst(Overloads[^1]).Dropped;
        var kept = last.Goodput / Overloads.Max(s => figures.Burst(s).Dropped.Goodput);
        var keptSmooth = last.Worth[PaperPenalty] / Overloads.Max(s => figures.Burst(s).Dropped.Worth[PaperPenalty]);
        yield return new(
            "classic goodput of who abandons stays high under overload", Inferred("yes"),
            $"{Percent(kept)} of its best at twice saturation, smooth goodput {Percent(keptSmooth)}",
            kept >= 0.8 && keptSmooth < kept,
            $"high: at least 80 % of its best; smooth goodput keeps less. {Percent(last.InTime - last.Attainment)} get "
            + "their first token from the engine within its limit and by delivery after it: in arrival order those "
            + "served are those about to be dropped");
    }
}
