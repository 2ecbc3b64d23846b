namespace Sluice.Simulation;

/// <summary>One value, measured and simulated.</summary>
/// <param name="Run">Name of the measured run.</param>
/// <param name="Set">Runs it is listed with.</param>
/// <param name="Measured">[ms]</param>
/// <param name="Simulated">[ms]; NaN if nothing finished.</param>
/// <param name="ErrorPercent">(simulated − measured) / measured, signed.</param>
/// <param name="Profile">Name of the profile.</param>
/// <param name="ProfileOrigin">Where its numbers come from.</param>
/// <param name="IsInSample">The profile was made with this run in view, so the row is no independent check.</param>
public sealed record ValidationRow(
    string Run, string Set, LatencyMetric Metric, LatencyStatistic Statistic, double Measured, double Simulated,
    double ErrorPercent, string Profile, string ProfileOrigin, bool IsInSample);

/// <summary>Errors of one metric over the runs of a set [%].</summary>
/// <param name="Bias">Mean of the signed errors.</param>
/// <param name="MeanAbsolute">Mean of the errors' sizes (MAPE).</param>
/// <param name="Worst">Largest error, signed.</param>
public sealed record ValidationSummary(
    string Set, LatencyMetric Metric, LatencyStatistic Statistic, int Runs, double Bias, double MeanAbsolute, double Worst);

/// <summary>A run that was found and not repeated, and why.</summary>
public sealed record NotSimulatedRun(string Run, string Set, string Reason);

/// <summary>Everything a validation found.</summary>
/// <param name="Origins">By set: how its runs were measured, and how they are repeated.</param>
public sealed record ValidationReport(
    IReadOnlyList<ValidationRow> Rows,
    IReadOnlyList<NotSimulatedRun> NotSimulated,
    IReadOnlyList<KeyValuePair<string, string>> Origins)
{
    /// <summary>In the order of the rows.</summary>
    public IReadOnlyList<ValidationSummary> Summaries { get; } =
    [
        .. from row in Rows
           group row.ErrorPercent by (row.Set, row.Metric, row.Statistic) into errors
           let k = errors.Key
           select new ValidationSummary(
               k.Set, k.Metric, k.Statistic, errors.Count(), errors.Average(), errors.Average(Math.Abs), errors.MaxBy(Math.Abs)),
    ];

    /// <summary>The same as text for people: a table per set, then the errors in sum.</summary>
    public void WriteTo(TextWriter output) => ValidationTable.Write(this, output);
}
