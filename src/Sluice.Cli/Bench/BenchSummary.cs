using Sluice.Core;

namespace Sluice.Cli;

/// <summary>Mean and percentiles of one figure [ms]; NaN without values.</summary>
/// <remarks>Percentiles by nearest rank, as everywhere in Sluice; vLLM interpolates between two values.</remarks>
public sealed record BenchFigure(double Mean, double Median, double P99, double Deviation)
{
    public static BenchFigure Of(IEnumerable<double> milliseconds)
    {
        double[] values = [.. milliseconds.Where(double.IsFinite).Order()];
        if (values.Length == 0) return new(double.NaN, double.NaN, double.NaN, double.NaN);
        var mean = values.Average();
        var deviation = Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / values.Length);
        return new(mean, Percentiles.NearestRank<double>(values, 0.5), Percentiles.NearestRank<double>(values, 0.99), deviation);
    }
}

/// <summary>How well a promise was kept by the requests of one class.</summary>
public sealed record BenchAttainment(string Class, Slo Slo, int Requests, int Kept);

/// <summary>How well a server's word on waiting held, over the requests that it gave one for [ms].</summary>
/// <param name="Error">Mean size of the error.</param>
/// <param name="Bias">Mean error; positive if waits were over-estimated.</param>
public sealed record BenchCalibration(int Requests, double MeanWait, double MeanExpected, double Error, double Bias);

/// <summary>A run in figures.</summary>
public sealed record BenchSummary
{
    private BenchSummary(BenchLog log, BenchOptions options)
    {
        (Log, Options) = (log, options);
        BenchCall[] good = [.. log.Calls.Where(c => c.IsOk)];
        var seconds = Math.Max(log.Duration.TotalSeconds, 1e-9);
        Completed = good.Length;
        Failed = log.Calls.Count - good.Length;
        InputTokens = good.Sum(c => (long)c.PromptTokens);
        OutputTokens = good.Sum(c => (long)c.OutputTokens);
        RequestsPerSecond = Completed / seconds;
        OutputTokensPerSecond = OutputTokens / seconds;
        TokensPerSecond = (InputTokens + OutputTokens) / seconds;
        var keeps = options.Goodput.IsAsked ? good.Count(c => options.Goodput.IsGood(in c)) : good.Count(Keeps);
        GoodputPerSecond = options.Goodput.IsAsked || HasPromises ? keeps / seconds : double.NaN;
        Ttft = BenchFigure.Of(good.Select(c => c.TtftMilliseconds));
        Tpot = BenchFigure.Of(good.Select(c => c.TpotMilliseconds));
        Itl = BenchFigure.Of(log.GapsMilliseconds);
        E2el = BenchFigure.Of(good.Select(c => c.E2elMilliseconds));
        ClientQueue = BenchFigure.Of(good.Select(c => c.ClientQueueMilliseconds));
        Attainment =
        [
            .. log.Calls.GroupBy(c => RequestOf(c).Class.Index).OrderBy(g => g.Key).Select(g => new BenchAttainment(
                log.Workload.Classes[g.Key], RequestOf(g.First()).Slo, g.Count(), g.Count(Keeps))),
        ];
        Calibration = Calibrate(log.Calls);
    }

    public BenchLog Log { get; }
    public BenchOptions Options { get; }
    public int Completed { get; }
    public int Failed { get; }
    public long InputTokens { get; }
    public long OutputTokens { get; }
    public double RequestsPerSecond { get; }

    /// <summary>Of good requests; NaN if nothing was asked or promised.</summary>
    public double GoodputPerSecond { get; }

    public double OutputTokensPerSecond { get; }
    public double TokensPerSecond { get; }
    public BenchFigure Ttft { get; }
    public BenchFigure Tpot { get; }
    public BenchFigure Itl { get; }
    public BenchFigure E2el { get; }
    public BenchFigure ClientQueue { get; }

    /// <summary>By class, in their order.</summary>
    public IReadOnlyList<BenchAttainment> Attainment { get; }

    /// <summary>Null if the server says nothing of waits.</summary>
    public BenchCalibration? Calibration { get; }

    public bool HasPromises => Log.Calls.Any(c => RequestOf(c).Slo != Slo.BestEffort);

    /// <summary>What went wrong and how often, most frequent first.</summary>
    public IEnumerable<(string Error, int Times)> Errors => Log.Calls.Where(c => !c.IsOk).GroupBy(c => c.Error!)
        .Select(g => (g.Key, g.Count())).OrderByDescending(g => g.Item2).ThenBy(g => g.Key, StringComparer.Ordinal);

    public static BenchSummary Of(BenchLog log, BenchOptions options) => new(log, options);

    private Request RequestOf(BenchCall call) => Log.Workload.Requests[call.Request];

    private bool Keeps(BenchCall call) => call.Keeps(RequestOf(call).Slo);

    private static BenchCalibration? Calibrate(IReadOnlyList<BenchCall> calls)
    {
        BenchCall[] said = [.. calls.Where(c => double.IsFinite(c.ExpectedWaitMilliseconds) && double.IsFinite(c.WaitMilliseconds))];
        return said.Length == 0
            ? null
            : new(
                said.Length, said.Average(c => c.WaitMilliseconds), said.Average(c => c.ExpectedWaitMilliseconds),
                said.Average(c => Math.Abs(c.ExpectedWaitMilliseconds - c.WaitMilliseconds)),
                said.Average(c => c.ExpectedWaitMilliseconds - c.WaitMilliseconds));
    }
}
