using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>Fits the coefficients of a step's time to measured steps.</summary>
/// <remarks>Least squares of the relative errors with no coefficient below zero (they are costs), by coordinate descent; the
/// place n0 where tokens begin to cost more is tried out. The terms m and h (prompts beside decodes) are fitted; x is not, as
/// experts on a processor cost by the token like everything else.</remarks>
internal static class StepFit
{
    private const int Terms = 8;
    private const int Sweeps = 20_000;
    private static readonly int[] s_n0 = [0, 2, 4, 8, 12, 16, 24, 32, 64, 128, 256];

    public static (StepCoefficients Coefficients, FitQuality Quality) Of(IReadOnlyList<StepSample> samples)
    {
        var best = double.MaxValue;
        double[] chosen = [];
        var chosenN0 = 0;
        foreach (var n0 in s_n0)
        {
            var k = Solve(samples, n0);
            var error = samples.Sum(s => Square(Predict(s.Shape, k, n0) / s.Milliseconds - 1));
            if (error >= best) continue;
            (best, chosen, chosenN0) = (error, k, n0);
        }

        var coefficients = new StepCoefficients
        {
            A = chosen[0], B = chosen[1], C = chosen[2], D = chosen[3], E = chosen[4], G = chosen[5], N0 = chosenN0,
            M = chosen[6], H = chosen[7],
        };
        return (coefficients, Quality(samples, s => Predict(s, chosen, chosenN0)));
    }

    private static FitQuality Quality(IReadOnlyList<StepSample> samples, Func<StepShape, double> predict)
    {
        double[] errors = [.. samples.Select(s => Math.Abs(predict(s.Shape) / s.Milliseconds - 1)).Order()];
        var mean = samples.Average(s => s.Milliseconds);
        var left = samples.Sum(s => Square(s.Milliseconds - predict(s.Shape)));
        var r2 = 1 - left / samples.Sum(s => Square(s.Milliseconds - mean));
        var p95 = errors[errors.Length * 95 / 100];
        return new(Math.Round(r2, 4), Math.Round(errors.Average() * 100, 2), Math.Round(p95 * 100, 1));
    }

    private static double Predict(StepShape shape, double[] k, int n0)
    {
        Span<double> x = stackalloc double[Terms];
        Features(shape, n0, x);
        var sum = 0.0;
        for (var i = 0; i < Terms; i++) sum += k[i] * x[i];
        return sum;
    }

    private static void Features(StepShape shape, int n0, Span<double> x)
    {
        var b = shape.Batch;
        x[0] = 1;
        x[1] = b.PrefillTokens;
        x[2] = b.DecodeSequences;
        x[3] = b.ContextTokens;
        x[4] = b.AttentionPairsTwice / 2.0;
        x[5] = Math.Max(0, b.PrefillTokens + b.DecodeSequences - n0);
        x[6] = b.PrefillTokens > 0 ? b.ContextTokens : 0;
        x[7] = b.PrefillTokens > 0 && b.DecodeSequences > 0 ? 1 : 0;
    }

    private static double[] Solve(IReadOnlyList<StepSample> samples, int n0)
    {
        // Normal equations of features divided by the time, against 1.
        var gram = new double[Terms, Terms];
        var right = new double[Terms];
        Span<double> x = stackalloc double[Terms];
        foreach (var sample in samples)
        {
            Features(sample.Shape, n0, x);
            for (var i = 0; i < Terms; i++)
            {
                right[i] += x[i] / sample.Milliseconds;
                for (var j = 0; j < Terms; j++) gram[i, j] += x[i] * x[j] / Square(sample.Milliseconds);
            }
        }

        var k = new double[Terms];
        for (var sweep = 0; sweep < Sweeps; sweep++)
        {
            var change = 0.0;
            for (var i = 0; i < Terms; i++)
            {
                if (gram[i, i] == 0) continue;
                var rest = right[i];
                for (var j = 0; j < Terms; j++)
                    if (j != i) rest -= gram[i, j] * k[j];
                var next = Math.Max(0, rest / gram[i, i]);
                change += Math.Abs(next - k[i]) * Math.Sqrt(gram[i, i]);
                k[i] = next;
            }

            if (change < 1e-10) break;
        }

        return k;
    }

    private static double Square(double x) => x * x;
}
