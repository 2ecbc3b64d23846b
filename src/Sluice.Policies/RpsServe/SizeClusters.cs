namespace Sluice.Policies;

/// <summary>Three clusters of requests by estimated prefill and media tokens: both made nearly normal by a Yeo-Johnson transform
/// and standardised, then k-means.</summary>
/// <remarks>Source: RPS-Serve (arXiv 2603.26498). Ours: k-means begins at every three of <see cref="Starts"/> samples spread over the
/// estimates and the closest fit counts, so that a fit repeats; clusters are ordered by the sum of their centres' coordinates, which both
/// grow with what a request costs (the artifact writes the order down per model).</remarks>
public sealed class SizeClusters
{
    private const int Clusters = 3, Starts = 8, RoundsMax = 100;

    private readonly (double Lambda, double Mean, double Deviation) _seconds, _tokens;
    private readonly (double Seconds, double Tokens)[] _centroids = new (double, double)[Clusters];

    /// <param name="samples">Estimated prefill [s] and media tokens of requests, at least three.</param>
    public SizeClusters(IReadOnlyList<(double Seconds, double MediaTokens)> samples)
    {
        _seconds = Fit([.. samples.Select(s => s.Seconds)]);
        _tokens = Fit([.. samples.Select(s => s.MediaTokens)]);
        Cluster(samples);
    }

    public SizeClass Of(double seconds, double mediaTokens) =>
        (SizeClass)Nearest((Scaled(seconds, in _seconds), Scaled(mediaTokens, in _tokens)));

    /// <summary>Yeo-Johnson for values of at least 0.</summary>
    public static double Transform(double x, double lambda) =>
        Math.Abs(lambda) < 1e-9 ? Math.Log(1 + x) : (Math.Pow(1 + x, lambda) - 1) / lambda;

    private static double Scaled(double x, in (double Lambda, double Mean, double Deviation) scale) =>
        (Transform(x, scale.Lambda) - scale.Mean) / scale.Deviation;

    /// <summary>Lambda of the greatest likelihood, by golden section; it has one maximum.</summary>
    private static (double Lambda, double Mean, double Deviation) Fit(double[] values)
    {
        var golden = (Math.Sqrt(5) - 1) / 2;
        var logs = values.Sum(v => Math.Log(1 + v));
        var (low, high) = (-40.0, 40.0);
        while (high - low > 1e-6)
        {
            var (a, b) = (high - golden * (high - low), low + golden * (high - low));
            if (Likelihood(a) < Likelihood(b)) low = a;
            else high = b;
        }

        var lambda = (low + high) / 2;
        var (mean, variance) = Moments(lambda);
        return (lambda, mean, variance > 0 ? Math.Sqrt(variance) : 1); // All alike: any scale will do.

        double Likelihood(double l)
        {
            var variance = Moments(l).Variance;
            return variance > 0 ? -values.Length / 2.0 * Math.Log(variance) + (l - 1) * logs : 0;
        }

        (double Mean, double Variance) Moments(double l)
        {
            var mean = values.Average(v => Transform(v, l));
            return (mean, values.Average(v => (Transform(v, l) - mean) * (Transform(v, l) - mean)));
        }
    }

    private void Cluster(IReadOnlyList<(double Seconds, double MediaTokens)> samples)
    {
        (double X, double Y)[] points =
        [
            .. samples.OrderBy(s => s.Seconds).ThenBy(s => s.MediaTokens)
                .Select(s => (Scaled(s.Seconds, in _seconds), Scaled(s.MediaTokens, in _tokens))),
        ];
        var (least, best) = (double.MaxValue, new (double, double)[Clusters]);
        for (var a = 0; a < Starts; a++)
        {
            for (var b = a + 1; b < Starts; b++)
            {
                for (var c = b + 1; c < Starts; c++)
                {
                    var distance = Cluster(points, [Start(a), Start(b), Start(c)]);
                    if (distance >= least - 1e-9) continue;
                    least = distance;
                    _centroids.CopyTo(best, 0);
                }
            }
        }

        best.CopyTo(_centroids, 0);

        (double, double) Start(int i) => points[i * (points.Length - 1) / (Starts - 1)];
    }

    /// <returns>The sum of squared distances.</returns>
    private double Cluster(ReadOnlySpan<(double X, double Y)> points, ReadOnlySpan<(double, double)> starts)
    {
        starts.CopyTo(_centroids);
        var sums = new (double X, double Y, int Count)[Clusters];
        for (var round = 0; round < RoundsMax; round++)
        {
            Array.Clear(sums);
            foreach (var (x, y) in points)
            {
                ref var sum = ref sums[Nearest((x, y))];
                sum = (sum.X + x, sum.Y + y, sum.Count + 1);
            }

            var moved = false;
            for (var c = 0; c < Clusters; c++)
            {
                if (sums[c].Count == 0) continue;
                var mean = (sums[c].X / sums[c].Count, sums[c].Y / sums[c].Count);
                moved |= mean != _centroids[c];
                _centroids[c] = mean;
            }

            if (!moved) break;
        }

        Array.Sort([.. _centroids.Select(c => c.Seconds + c.Tokens)], _centroids);
        var distance = 0.0;
        foreach (var (x, y) in points)
        {
            var (cx, cy) = _centroids[Nearest((x, y))];
            distance += (x - cx) * (x - cx) + (y - cy) * (y - cy);
        }

        return distance;
    }

    private int Nearest((double X, double Y) point)
    {
        var (best, least) = (0, double.MaxValue);
        for (var c = 0; c < Clusters; c++)
        {
            var (x, y) = (point.X - _centroids[c].Seconds, point.Y - _centroids[c].Tokens);
            if (x * x + y * y < least) (best, least) = (c, x * x + y * y);
        }

        return best;
    }
}
