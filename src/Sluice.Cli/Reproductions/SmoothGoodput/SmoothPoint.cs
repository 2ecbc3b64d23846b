using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>What the rows read from a run; the run itself is then let go.</summary>
/// <param name="Worth">Smooth goodput by α [tokens/s]: as in equation 11, by the time in which requests came.</param>
/// <param name="Tokens">Produced, by the same time [tokens/s].</param>
/// <param name="TokensInTime">Of answers whose every token came in time, by the same time [tokens/s].</param>
/// <param name="Throughput">Output tokens per second of the whole run.</param>
/// <param name="Goodput">Classic: requests that kept every promise, by the time in which requests came [1/s].</param>
/// <param name="Attainment">Share that kept every promise.</param>
/// <param name="InTime">Share whose every token came in time for the reader.</param>
/// <param name="Dropped">Share given up by the system.</param>
/// <param name="Idle">Mean [s].</param>
/// <param name="GapP99">Of the gaps between tokens [ms].</param>
/// <param name="Unpunished">Smooth goodput at the model's own α if a dropped request counts as nothing.</param>
public sealed record SmoothPoint(
    IReadOnlyDictionary<double, double> Worth, double Tokens, double TokensInTime, double Throughput, double Goodput,
    double Attainment, double InTime, double Dropped, double Idle, double GapP99, double Unpunished)
{
    /// <param name="penalties">Each α to price idling with [tokens/s].</param>
    /// <param name="seconds">Time in which requests came.</param>
    /// <param name="abandons">Callers that left were dropped by the system when they had waited too long.</param>
    public static SmoothPoint Of(
        RunResult run, IReadOnlyList<double> penalties, double seconds, bool abandons = false)
    {
        // As a caller's own leaving it is scored up to then, without a token and without blame: nothing.
        var unpunished = RunSummary.Of(run).All.SmoothWorth / seconds;
        if (abandons)
        {
            for (var i = 0; i < run.Log.Count; i++)
                if (run.Log.Outcome[i] == Outcome.Cancelled) run.Log.Outcome[i] = Outcome.Rejected;
        }

        var summary = RunSummary.Of(run);
        return new(
            penalties.ToDictionary(a => a, a => RunSummary.Of(Priced(run, a)).All.SmoothWorth / seconds),
            summary.All.OutputTokens / seconds, TokensInTimeOf(run.Log) / seconds, summary.OutputTokensPerSecond,
            summary.All.Met / seconds, summary.All.SloAttainment, summary.All.SmoothShare,
            summary.All.Rejected / (double)summary.All.Requests, summary.All.IdleSeconds, summary.Itl.P99, unpunished);
    }

    private static double TokensInTimeOf(RequestLog log) => Enumerable.Range(0, log.Count)
        .Where(i => log.Outcome[i] == Outcome.Finished && log.LagTicks[i] <= 0).Sum(i => (double)log.OutputTokens[i]);

    private static RunResult Priced(RunResult run, double penalty) =>
        run with { Reader = run.Reader with { IdlePenalty = penalty } };
}
