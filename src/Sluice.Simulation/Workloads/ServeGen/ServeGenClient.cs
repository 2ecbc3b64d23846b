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

            var law = GapLaw.Of(window);
            var gap = ahead ?? law.Draw(ref rng);
            while (at + gap / rate < end)
            {
                at += gap / rate;
                yield return at;
                gap = law.Draw(ref rng);
            }

            ahead = gap - (end - at) * rate;
        }
    }

    /// <summary>The law of a window's gaps, in mean gaps.</summary>
    private readonly record struct GapLaw(double Cv, double WeibullShape)
    {
        /// <remarks>A variation of 0 says that the window held too few requests to know one; they are taken to be
        /// independent.</remarks>
        public static GapLaw Of(in ServeGenWindow window) => new(
            window.Cv == 0 ? 1 : Math.Min(window.Cv, 100),
            window.IsWeibull && window.Cv > 0 ? Distributions.WeibullShape(window.Cv) : 0);

        public double Draw(ref Rng rng) => WeibullShape > 0
            ? Distributions.WeibullOfMeanOne(ref rng, WeibullShape)
            : Distributions.GammaOfMeanOne(ref rng, Cv);
    }
}
