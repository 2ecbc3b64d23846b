using System.Globalization;
using Sluice.Core;

namespace Sluice.Cli;

/// <summary>A run in the very shape of <c>vllm bench serve</c>, with what Sluice knows besides below it.</summary>
public static class BenchTable
{
    private const int Width = 50;
    private const int LabelWidth = 40;
    private const int ValueWidth = 10;
    private const int ErrorsShown = 5;

    public static void Write(BenchSummary run, TextWriter writer)
    {
        Rule(writer, " Serving Benchmark Result ", '=');
        Line(writer, "Successful requests:", Whole(run.Completed));
        Line(writer, "Failed requests:", Whole(run.Failed));
        if (run.Options.ConcurrencyMax < int.MaxValue)
            Line(writer, "Maximum request concurrency:", Whole(run.Options.ConcurrencyMax));
        if (run.Options.Rate is { } rate && double.IsFinite(rate)) Line(writer, "Request rate configured (RPS):", Two(rate));
        Line(writer, "Benchmark duration (s):", Two(run.Log.Duration.TotalSeconds));
        Line(writer, "Total input tokens:", Whole(run.InputTokens));
        Line(writer, "Total generated tokens:", Whole(run.OutputTokens));
        Line(writer, "Request throughput (req/s):", Two(run.RequestsPerSecond));
        if (!double.IsNaN(run.GoodputPerSecond)) Line(writer, "Request goodput (req/s):", Two(run.GoodputPerSecond));
        Line(writer, "Output token throughput (tok/s):", Two(run.OutputTokensPerSecond));
        Line(writer, "Peak output token throughput (tok/s):", Two(run.Log.TokensPerSecondPeak));
        Line(writer, "Peak concurrent requests:", Two(run.Log.ConcurrencyPeak));
        Line(writer, "Total token throughput (tok/s):", Two(run.TokensPerSecond));
        Figure(writer, "Time to First Token", "TTFT", run.Ttft);
        Figure(writer, "Time per Output Token (excl. 1st token)", "TPOT", run.Tpot);
        Figure(writer, "Inter-token Latency", "ITL", run.Itl);
        Figure(writer, "End-to-end Latency", "E2EL", run.E2el);
        if (run.Options.ConcurrencyMax < int.MaxValue) Figure(writer, "Client Queue Time", "queue", run.ClientQueue);

        if (run.HasPromises)
        {
            Rule(writer, "SLO Attainment", '-');
            foreach (var c in run.Attainment)
                Line(
                    writer, $"{c.Class} (n = {Whole(c.Requests)}):",
                    c.Slo == Slo.BestEffort ? "-" : Share(c.Kept / (double)c.Requests));
        }

        if (run.Calibration is { } waits)
        {
            Rule(writer, "Waits as Expected", '-');
            Line(writer, "Requests with an expectation:", Whole(waits.Requests));
            Line(writer, "Mean wait (ms):", Two(waits.MeanWait));
            Line(writer, "Mean expected wait (ms):", Two(waits.MeanExpected));
            Line(writer, "Mean size of the error (ms):", Two(waits.Error));
            Line(writer, "Mean error, over-estimates positive (ms):", Two(waits.Bias));
        }

        writer.Write(new string('=', Width) + "\n");
        foreach (var (error, times) in run.Errors.Take(ErrorsShown)) writer.Write($"{times} x {error}\n");
        if (run.Log.WasStopped)
            writer.Write(
                $"Stopped early: {run.Log.Calls.Count} of {run.Log.Workload.Requests.Length} requests had ended; " +
                "the rest is not in these figures.\n");
    }

    private static void Figure(TextWriter writer, string title, string name, BenchFigure figure)
    {
        Rule(writer, title, '-');
        Line(writer, $"Mean {name} (ms):", Two(figure.Mean));
        Line(writer, $"Median {name} (ms):", Two(figure.Median));
        Line(writer, $"P99 {name} (ms):", Two(figure.P99));
    }

    private static void Rule(TextWriter writer, string title, char line)
    {
        var left = (Width - title.Length) / 2;
        writer.Write(title.PadLeft(left + title.Length, line).PadRight(Width, line) + "\n");
    }

    private static void Line(TextWriter writer, string label, string value) =>
        writer.Write((label.PadRight(LabelWidth) + " " + value.PadRight(ValueWidth)).TrimEnd() + "\n");

    private static string Whole(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Two(double value) => double.IsFinite(value) ? value.ToString("0.00", CultureInfo.InvariantCulture) : "nan";

    /// <summary>Never rounds up to 100 % what missed one.</summary>
    private static string Share(double value) =>
        (Math.Floor(value * 10_000) / 100).ToString("0.00", CultureInfo.InvariantCulture) + " %";
}
