using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>One client of a recording: when it sends, and what.</summary>
internal sealed class ServeGenClient(string name, List<ServeGenWindow> windows, ServeGenLengths lengths)
{
    public string Name { get; } = name;

    public (int PromptTokens, int OutputTokens, MediaWork? Media) Draw(double seconds, ref Rng rng) =>
        lengths.Draw(seconds, ref rng);

    /// <summary>Arrivals in [<paramref name="from"/>, <paramref name="to"/>) seconds of the recording, in order.</summary>
    /// <remarks>A renewal process of mean 1 that runs on the integral of the rate: gaps keep the law and variation of the
    /// window they begin in, and each window gets its share of arrivals even when gaps are longer than it.</remarks>
    public IEnumerable<double> Arrivals(double from, double to, double scale, Rng rng)
    {
        double? ahead = null; // What is left of the current gap, in mean gaps.
        foreach (var window in windows)
        {
            var rate = window.Rate * scale;
            var end = Math.Min(window.StartSeconds + ServeGenRates.WindowSeconds, to);
            var at = Math.Max(window.StartSeconds, from);
            if (rate <= 0 || at >= end) continue;

            var gap = ahead ?? Gap(window, ref rng);
            while (at + gap / rate < end)
            {
                at += gap / rate;
                yield return at;
                gap = Gap(window, ref rng);
            }

            ahead = gap - (end - at) * rate;
        }
    }

    private static double Gap(in ServeGenWindow window, ref Rng rng) => window switch
    {
        { Cv: <= 0 } => Distributions.Exponential(ref rng), // One request or none in the window: no variation is known.
        { IsWeibull: true } => Distributions.WeibullOfMeanOne(ref rng, Distributions.WeibullShape(window.Cv)),
        _ => Distributions.GammaOfMeanOne(ref rng, Math.Min(window.Cv, 100)),
    };
}
