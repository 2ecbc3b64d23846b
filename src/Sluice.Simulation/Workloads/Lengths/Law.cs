using System.Globalization;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>A distribution of one positive quantity, written as people write it.</summary>
/// <remarks>
/// <c>512</c>, <c>uniform(a,b)</c>, <c>exp(mean)</c>, <c>lognormal(median,sigma)</c>, <c>lognormal(mean=m,cv=c)</c>,
/// <c>powerlaw(mean[,alpha])</c>. The unit is the caller's: tokens, or seconds where durations such as <c>2s</c> are
/// accepted.
/// </remarks>
internal abstract class Law
{
    /// <summary>Ways to write one, for messages.</summary>
    public const string Examples =
        "512, uniform(a,b), exp(mean), lognormal(median,sigma), lognormal(mean=m,cv=c) or powerlaw(mean[,alpha])";

    public abstract double Draw(ref Rng rng);

    /// <summary>A number of tokens: the nearest whole number, at least 1.</summary>
    public int DrawTokens(ref Rng rng) => (int)Math.Clamp(Math.Round(Draw(ref rng)), 1, TraceLimits.TokensMax);

    /// <returns>Null when the text is not a law of this kind.</returns>
    /// <param name="durations">Reads plain numbers as seconds and accepts units.</param>
    public static Law? TryParse(string text, bool durations = false)
    {
        var open = text.IndexOf('(');
        if (open < 0) return Number(text, durations) is { } value ? new Fixed(value) : null;
        if (!text.EndsWith(')')) return null;

        var arguments = Spec.Split(text[(open + 1)..^1], ',');
        var first = Argument(0, "mean");
        var second = arguments.Count > 1 ? Argument(1, "cv") : null;
        if (first is not { } a || arguments.Count > 2 || (arguments.Count == 2 && second is null)) return null;

        var isByMean = arguments[0].StartsWith("mean=", StringComparison.Ordinal);
        return (text[..open].Trim(), second) switch
        {
            ("uniform", { } b) when b >= a && !isByMean => new Uniform(a, b),
            ("exp", null) => new Exponential(a),
            ("lognormal", { } b) when a > 0 && isByMean => LogNormal.OfMean(a, b),
            ("lognormal", { } b) when a > 0 => new LogNormal(a, b),
            ("powerlaw", { } b) when a is >= 1 and <= 1e6 && b <= 20 => new PowerLaw(a, b),
            ("powerlaw", null) when a is >= 1 and <= 1e6 => new PowerLaw(a, PowerLaw.UsualAlpha(a)),
            _ => null,
        };

        // Only the first argument is a quantity with the unit; the second of lognormal and powerlaw is a pure number.
        double? Argument(int index, string name)
        {
            var argument = arguments[index];
            if (argument.StartsWith(name + "=", StringComparison.Ordinal)) argument = argument[(name.Length + 1)..];
            return Number(argument, durations);
        }
    }

    private static double? Number(string text, bool durations)
    {
        if (durations) return DurationText.TryParse(text, out var duration) ? duration.TotalSeconds : null;
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            && number is >= 0 and <= TraceLimits.TokensMax ? number : null;
    }

    private sealed class Fixed(double value) : Law
    {
        public override double Draw(ref Rng rng) => value;
    }

    private sealed class Uniform(double low, double high) : Law
    {
        public override double Draw(ref Rng rng) => low + (high - low) * rng.NextDouble();
    }

    private sealed class Exponential(double mean) : Law
    {
        public override double Draw(ref Rng rng) => mean * Distributions.Exponential(ref rng);
    }

    private sealed class LogNormal(double median, double sigma) : Law
    {
        /// <summary>σ² = ln(1 + cv²); median = mean / exp(σ²/2).</summary>
        public static LogNormal OfMean(double mean, double cv)
        {
            var variance = Math.Log(1 + cv * cv);
            return new(mean * Math.Exp(-variance / 2), Math.Sqrt(variance));
        }

        public override double Draw(ref Rng rng) => Distributions.LogNormal(ref rng, median, sigma);
    }
}
