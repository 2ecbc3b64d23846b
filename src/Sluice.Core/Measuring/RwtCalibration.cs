namespace Sluice.Core;

/// <summary>How well predicted waiting times held: each request's prediction when it was queued, against its wait until it
/// was first taken.</summary>
/// <remarks>Running sums, no allocation. All figures are NaN before the first request.</remarks>
public sealed class RwtCalibration
{
    private double _actual, _actualSquares, _error, _absoluteError, _errorSquares;
    private long _covered;

    public long Count { get; private set; }

    /// <summary>What was added last [s], for whoever looks at single requests.</summary>
    public (double Mean, double P90, double Actual) Last { get; private set; }

    /// <summary>Share of requests that waited no longer than their predicted p90; 0.9 is right.</summary>
    public double CoverageOfP90 => _covered / (double)Count;

    /// <summary>Sum of absolute errors over the sum of waits.</summary>
    public double RelativeError => _absoluteError / _actual;

    /// <summary>Sum of errors over the sum of waits; positive when waits are over-estimated.</summary>
    public double RelativeBias => _error / _actual;

    /// <summary>Share of the waits' variance that the predicted mean explains; below 0 when the mean wait would have been the
    /// better prediction.</summary>
    public double R2 => 1 - _errorSquares / (_actualSquares - _actual * _actual / Count);

    /// <param name="mean">Predicted mean, which is also the predicted median [s].</param>
    /// <param name="p90">Predicted 90th percentile [s].</param>
    /// <param name="actual">What it was [s].</param>
    public void Add(double mean, double p90, double actual)
    {
        var error = mean - actual;
        Count++;
        Last = (mean, p90, actual);
        if (actual <= p90) _covered++;
        _actual += actual;
        _actualSquares += actual * actual;
        _error += error;
        _absoluteError += Math.Abs(error);
        _errorSquares += error * error;
    }
}

/// <summary>A scheduler that predicts waits and keeps the account of it.</summary>
public interface IReportsCalibration
{
    RwtCalibration Calibration { get; }
}
