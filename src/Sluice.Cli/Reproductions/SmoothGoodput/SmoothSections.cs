using Sluice.Simulation;
using static Sluice.Cli.RowText;
using static Sluice.Cli.SmoothFigures;

namespace Sluice.Cli;

/// <summary>What the report shows below the claims.</summary>
internal static class SmoothSections
{
    public static IReadOnlyList<PageSection> Of(SmoothFigures figures)
    {
        var points = figures.Curve(Chunked, Reader);
        return
        [
            new PageSection("Over the rate")
                .Plot(Curves(
                    "Smooth goodput by α", [.. Penalties.Where(a => a <= 10).Select(a => Curve($"α = {a}", a))]))
                .Plot(Curves("Throughput", [("chunked prefill", Over(points, p => p.Throughput))])),
            new PageSection("Serving late and dropping").Table(
                [
                    "rate, policy", "attainment", "goodput", "in time", "smooth goodput", "dropped", "mean idle",
                    "p99 TBT",
                ],
                [
                    .. Overloads.SelectMany(s => Lines($"{Times(s)}", figures.Burst(s))),
                    .. Lines($"{Times(Overload)} for {figures.Window.TotalSeconds} s", figures.Siege),
                ]),
            new PageSection("Assumptions").List(
            [
                $"Systems: {Chunked}; {Whole}. Engine: {Profile}; lengths of ShareGPT up to 4,096 tokens; Poisson "
                + "arrivals.",
                $"Saturation, {PerSecond(figures.Full)}, is the highest rate at which mean TTFT is within 0.5 s.",
                $"Requests come for {figures.Window.TotalSeconds} s, where some are dropped for "
                + $"{figures.BurstWindow.TotalSeconds} s; the others are served to their end. Smooth and classic "
                + "goodput divide by the time in which requests came (equation 11); simulate divides by the whole run.",
                "How long the paper's runs are is not known to us. Beyond saturation lateness grows with it, and in a "
                + "long overload answers come too late to be worth anything: there dropping wins, and rightly so.",
                "Over the rate nothing is promised, and the first token is due after the time of one token (the "
                + "paper's second version); where requests are dropped it is due when promised.",
                "An answer is worth at least minus its length; one that was dropped counts as if its next token came a "
                + "minute after arrival.",
                "Single streams are drawn, not simulated: tokens every 20 to 60 ms, 3 % of them before a stall of up "
                + "to 1.5 s.",
                "Limits were set before the first run. After it, rates near saturation were taken closer together, and "
                + "the row on tail TBT was made to count only gains of 1 %.",
            ]),
        ];

        (string, IReadOnlyList<(double, double)>) Curve(string name, double penalty) =>
            (name, Over(points, p => p.Worth[penalty]));
    }

    private static IEnumerable<IReadOnlyList<string>> Lines(
        string at, (SmoothPoint Late, SmoothPoint Dropped) burst) =>
        [Line($"{at}, serve late", burst.Late), Line($"{at}, drop", burst.Dropped)];

    private static string[] Line(string name, SmoothPoint p) =>
    [
        name, Percent(p.Attainment), PerSecond(p.Goodput), Percent(p.InTime), $"{p.Worth[PaperPenalty]:0}",
        Percent(p.Dropped), Seconds(p.Idle), $"{p.GapP99:0} ms",
    ];

    private static Plot Curves(
        string title, IReadOnlyList<(string Name, IReadOnlyList<(double Rate, double Value)> Points)> curves) => new()
    {
        Title = title,
        X = new("rate over saturation"),
        Y = new("tokens/s"),
        Series = [.. curves.Select(c => new PlotSeries(c.Name, [.. c.Points]) { HasDots = true })],
    };
}
