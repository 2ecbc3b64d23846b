namespace Sluice.Core;

/// <summary>Predicted output length of one request or of a sum of independent requests, in tokens.</summary>
public readonly record struct TokenEstimate(double Mean, double Variance)
{
    public static TokenEstimate operator +(TokenEstimate a, TokenEstimate b) =>
        new(a.Mean + b.Mean, a.Variance + b.Variance);

    public static TokenEstimate operator -(TokenEstimate a, TokenEstimate b) =>
        new(a.Mean - b.Mean, a.Variance - b.Variance);
}
