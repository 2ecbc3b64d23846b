using System.Globalization;

namespace Sluice.Simulation;

/// <summary>A ranking as plain text, one row per system. Where the width is short, the figures that tell least are left
/// out.</summary>
public static class RankingTable
{
    private const int LabelWidthMax = 30;
    private const int LabelWidthMin = 8;

    /// <summary>With more classes, only the one with the least attainment has a column.</summary>
    private const int ClassColumnsMax = 4;

    /// <summary>In the order in which columns are left out; the others always stay.</summary>
    private static readonly string[] s_spare = ["in time", "to the first", "dropped", "smooth"];

    private sealed record Column(string Name, int Width, Func<RankedSystem, string> Cell);

    public static void Write(Ranking ranking, TextWriter writer, int width)
    {
        var columns = Columns(ranking).ToList();
        var labelWidth = Math.Min(LabelWidthMax, ranking.Systems.Max(s => s.Label.Length)) + 1;
        foreach (var spare in s_spare)
            if (Width() > width) columns.RemoveAll(c => c.Name == spare);
        labelWidth = Math.Max(LabelWidthMin, labelWidth - Math.Max(0, Width() - width));

        writer.Write("    " + "system".PadRight(labelWidth) + string.Concat(columns.Select(c => c.Name.PadLeft(c.Width))) + "\n");
        writer.Write(new string('-', Width()) + "\n");
        foreach (var system in ranking.Systems)
        {
            var place = system.Place.ToString(CultureInfo.InvariantCulture) + (IsShared(ranking, system) ? "=" : "");
            writer.Write(place.PadRight(4) + TextLines.Cut(system.Label, labelWidth - 1).PadRight(labelWidth));
            writer.Write(string.Concat(columns.Select(c => c.Cell(system).PadLeft(c.Width))) + "\n");
        }

        foreach (var line in Legend(ranking, [.. columns.Select(c => c.Name)])) WriteWrapped(writer, line, width);

        int Width() => 4 + labelWidth + columns.Sum(c => c.Width);
    }

    /// <summary>What the figures mean, a sentence or two each.</summary>
    internal static IEnumerable<string> Legend(Ranking ranking, IReadOnlyList<string>? columns = null)
    {
        var seeds = ranking.Seeds;
        yield return seeds.Count == 1
            ? $"One seed ({seeds[0]}), so no intervals: places go by the figure alone; --seeds 5 tells what is sure."
            : $"Mean of {seeds.Count} seeds ({seeds[0]} to {seeds[^1]}) ± half the 95 % interval by Student's t. The same seed is the same "
            + "arrivals for all; a place counts the systems that are better for sure (95 % interval of the difference at equal seeds), "
            + "equal places (=) are not told apart.";
        if (seeds.Count > 1 && ranking.Varies.Length > 0) yield return ranking.Varies;
        yield return (ranking.IsByAttainment ? "Ranked by SLO met" : "Nothing is promised: ranked by smooth goodput")
            + "; shares in %, of the requests that arrived. "
            + (Has("in time") ? "in time: every token in time for a reader. " : "")
            + (Has("smooth") || !ranking.IsByAttainment ? "smooth: smooth goodput [tokens/s]. " : "")
            + (Has("dropped") ? "dropped: arrived and did not finish. " : "")
            + (!HasFairness(ranking) ? "" : ranking.FairnessOver == "tenants" ? "fair: Jain's index of tokens served to tenants. "
                : "fair: Jain's index of SLO met of the classes (there is one tenant). ")
            + "µs/step: time that the system's decisions took per step composed, wall clock, on this machine, least of the seeds.";

        bool Has(string name) => columns is null || columns.Contains(name);
    }

    private static bool HasFairness(Ranking ranking) => ranking.Systems.Any(s => double.IsFinite(s.Fairness.Mean));

    internal static bool IsShared(Ranking ranking, RankedSystem system) => ranking.Systems.Count(s => s.Place == system.Place) > 1;

    private static IEnumerable<Column> Columns(Ranking ranking)
    {
        var hasIntervals = ranking.Seeds.Count > 1;
        if (ranking.IsByAttainment)
        {
            yield return new("SLO met", hasIntervals ? 12 : 8, s => Share(s.Attainment, hasIntervals));
            yield return new("to the first", 14, s => s == ranking.Systems[0] ? "" : Share(s.ToTheFirst, hasIntervals));
            string[] classes = [.. ranking.Systems[0].Classes.Select(c => c.Name)];
            if (classes.Length is > 1 and <= ClassColumnsMax)
            {
                foreach (var (i, name) in classes.Index())
                    yield return new(TextLines.Cut(name, 10), Math.Max(7, Math.Min(name.Length, 10) + 1), s =>
                        i < s.Classes.Count ? Share(s.Classes[i].Attainment, false) : "-");
            }
            else if (classes.Length > ClassColumnsMax)
            {
                yield return new("worst class", 12, s => Share(s.Classes.MinBy(c => c.Attainment.Mean).Attainment, false));
            }

            yield return new("goodput/s", 10, s => Fixed(s.Goodput.Mean, "0.00"));
        }

        yield return new("in time", 8, s => Share(s.TokenDeadlines, false));
        yield return new(
            ranking.IsByAttainment ? "smooth" : "smooth ±", ranking.IsByAttainment ? 8 : 16,
            s => Fixed(s.SmoothGoodput.Mean, "#,##0")
                + (ranking.IsByAttainment || !hasIntervals ? "" : $" ±{Fixed(s.SmoothGoodput.HalfWidth, "#,##0")}"));
        yield return new("dropped", 8, s => Share(s.Dropped, false));
        if (HasFairness(ranking)) yield return new("fair", 6, s => Fixed(s.Fairness.Mean, "0.000"));
        yield return new("µs/step", 8, s => Fixed(s.DecisionMicroseconds, "0.00"));
    }

    internal static string Fixed(double value, string format) =>
        double.IsFinite(value) ? value.ToString(format, CultureInfo.InvariantCulture) : "-";

    /// <summary>In percent, without the sign.</summary>
    internal static string Share(Estimate share, bool withInterval)
    {
        if (!double.IsFinite(share.Mean)) return "-";
        var mean = (share.Mean * 100).ToString("0.00", CultureInfo.InvariantCulture);
        return withInterval && double.IsFinite(share.HalfWidth)
            ? $"{mean} ±{(share.HalfWidth * 100).ToString("0.00", CultureInfo.InvariantCulture)}"
            : mean;
    }

    private static void WriteWrapped(TextWriter writer, string text, int width)
    {
        while (text.Length > 0)
        {
            var take = TextLines.Break(text, width);
            writer.Write(text[..take].TrimEnd() + "\n");
            text = text[take..];
        }
    }
}
