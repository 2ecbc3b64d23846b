namespace Sluice.Policies;

/// <summary>Work in front of a request: sums over the requests ahead of it.</summary>
/// <param name="Requests">How many, the paper's m.</param>
/// <param name="Seconds">Mean time the engine needs for them, prefill included.</param>
/// <param name="Variance">Of that time [s²]: they are independent, so variances add.</param>
/// <param name="LoadSeconds">Model loads on the way.</param>
internal readonly record struct WorkAhead(int Requests, double Seconds, double Variance, double LoadSeconds);

/// <summary>What an engine is busy with.</summary>
/// <param name="FreeSlots">Requests it would take at once.</param>
/// <param name="ResidualSeconds">From now until the first of its running requests gives up its place.</param>
/// <param name="ResidualVariance">Of that [s²].</param>
internal readonly record struct EngineLoad(int FreeSlots, double ResidualSeconds, double ResidualVariance);

/// <summary>The waiting time of one request as a normal distribution, and what follows it.</summary>
/// <param name="Mean">Expected wait from now to dispatch [s].</param>
/// <param name="Deviation">Its standard deviation [s].</param>
/// <param name="Prefill">From dispatch to the first token [s].</param>
/// <param name="Decode">From the first token to the last [s].</param>
internal readonly record struct WaitEstimate(double Mean, double Deviation, double Prefill, double Decode)
{
    public const double Z90 = 1.2816, Z99 = 2.3263;

    public double P50 => Mean;
    public double P90 => Mean + Z90 * Deviation;
    public double P99 => Mean + Z99 * Deviation;

    /// <summary>Time to first token at a quantile of the wait.</summary>
    public double Ttft(double z) => Mean + z * Deviation + Prefill;

    public double Completion(double z) => Ttft(z) + Decode;
}

/// <summary>RWT, the request waiting time estimate.</summary>
/// <remarks>
/// With m requests ahead on a saturated engine their output tokens add up to S, by the central limit theorem
/// S ~ N(mμ, mσ²), and the wait is S/Θ. Three terms are ours: with f free places only m' = max(0, m − f) of those ahead
/// have to make way; prefill counts beside output; and a batch that began together gives up its first place late.
/// Source: QLM (SoCC 2024), section on the RWT estimator. O(1).
/// </remarks>
internal static class WaitingTime
{
    public static WaitEstimate Estimate(in WorkAhead ahead, in EngineLoad load, double prefill, double decode)
    {
        if (load.FreeSlots > ahead.Requests) return new(ahead.LoadSeconds, 0, prefill, decode);

        var share = ahead.Requests == 0 ? 0 : (ahead.Requests - load.FreeSlots) / (double)ahead.Requests;
        var mean = load.ResidualSeconds + share * ahead.Seconds + ahead.LoadSeconds;
        var variance = load.ResidualVariance + share * ahead.Variance;
        return new(Math.Max(0, mean), Math.Sqrt(Math.Max(0, variance)), prefill, decode); // Sums leave rounding behind.
    }

    /// <summary>Time from now until a full batch gives up its first place [s].</summary>
    /// <param name="running">Requests in the batch.</param>
    /// <param name="tokensMean">Mean of their whole outputs.</param>
    /// <param name="tokensVariance">Variance of one output.</param>
    /// <param name="tokensDone">Produced by all of them so far.</param>
    /// <param name="stepsToFirstEnd">Decode steps until the first of them is predicted to end; no place is free
    /// before.</param>
    /// <remarks>In the steady state a place comes free every μ/Θ. A batch that is younger than the steady state's has more
    /// left to do by the difference; lengths that are as spread as an exponential have no memory, so that age says
    /// nothing, equal ones say everything, and in between it is interpolated by c = min(1, σ²/μ²).</remarks>
    public static double FirstPlace(
        int running, double tokensMean, double tokensVariance, double tokensDone, double prefillSeconds,
        double stepsToFirstEnd, in Throughput speed)
    {
        if (running == 0) return 0;
        var spread = Math.Min(1, tokensVariance / (tokensMean * tokensMean));
        var younger = (1 - spread) * (running * tokensMean / 2 - tokensDone) * speed.TokenSeconds;
        return Math.Max(stepsToFirstEnd * speed.StepSeconds, tokensMean * speed.TokenSeconds + prefillSeconds + younger);
    }

    /// <summary>Time from now until the last of the running requests ends, if nobody joins [s].</summary>
    public static double Drain(int running, double tokensMean, double tokensVariance, double tokensDone, in Throughput speed)
    {
        if (running == 0) return 0;
        var spread = Math.Min(1, tokensVariance / (tokensMean * tokensMean));
        var left = Math.Max(1, tokensMean - (1 - spread) * tokensDone / running);
        return LongestOf(running, left, Math.Sqrt(tokensVariance)) * speed.LastSeconds;
    }

    /// <summary>The longest of some answers [tokens]: exact in the mean for equal and for exponential lengths.</summary>
    public static double LongestOf(double answers, double mean, double deviation) =>
        mean + deviation * (Math.Log(Math.Max(1, answers)) + 0.5772 * (1 - 1 / Math.Max(1, answers)));
}
