namespace Sluice.Core;

/// <summary>Predicted output length of one request or of a sum of independent requests, in tokens.</summary>
public readonly record struct TokenEstimate(double Mean, double Variance)
{
    /// <summary>Nothing is known but the cap: every length up to it is as likely.</summary>
    public static TokenEstimate Uniform(int cap) => new(cap / 2.0, (double)cap * cap / 12);

    /// <summary>The normal quantile: mean plus so many standard deviations.</summary>
    /// <param name="p">0 to 1, exclusive.</param>
    public double Quantile(double p) => Variance <= 0 ? Mean : Mean + NormalQuantile.Of(p) * Math.Sqrt(Variance);

    public static TokenEstimate operator +(TokenEstimate a, TokenEstimate b) =>
        new(a.Mean + b.Mean, a.Variance + b.Variance);

    public static TokenEstimate operator -(TokenEstimate a, TokenEstimate b) =>
        new(a.Mean - b.Mean, a.Variance - b.Variance);
}
