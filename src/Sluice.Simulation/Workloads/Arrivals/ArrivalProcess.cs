using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>When requests arrive, one after the other from 0.</summary>
/// <remarks>Kept in seconds as <c>double</c> and rounded to ticks once per arrival, so that rounding does not add
/// up.</remarks>
internal abstract class ArrivalProcess
{
    /// <summary>Seconds.</summary>
    private double _now;

    /// <summary>Names that <see cref="Of"/> knows.</summary>
    public static IReadOnlyList<string> Kinds { get; } = ["poisson", "constant", "gamma", "onoff", "diurnal"];

    /// <summary>A process alone, such as <c>gamma:rate=2,cv=4</c>.</summary>
    /// <exception cref="InputException">The text is not such a process.</exception>
    public static ArrivalProcess Parse(string text, Rng rng)
    {
        var spec = new Spec(text);
        var process = Of(spec, rng);
        spec.Finish();
        return process;
    }

    /// <summary>Takes its own keys from a spec; others may take more before they finish it.</summary>
    public static ArrivalProcess Of(Spec spec, Rng rng)
    {
        if (!Kinds.Contains(spec.Kind))
            throw spec.Error($"has the arrival process '{spec.Kind}': {Nearest.HintAndList(spec.Kind, Kinds)}");

        var rate = spec.Number("rate", 1e-6, 1e6);
        return spec.Kind switch
        {
            "poisson" => new RenewalArrivals(rate, cv: 1, rng),
            "constant" => new RenewalArrivals(rate, cv: 0, rng),
            "gamma" => new RenewalArrivals(rate, spec.Number("cv", 0, 100), rng),
            "onoff" => new OnOffArrivals(rate, Seconds(spec, "on"), Seconds(spec, "off"), rng),
            "diurnal" => new DiurnalArrivals(
                rate, spec.Number("amplitude", 0, 1, fallback: 0.5), Seconds(spec, "period", TimeSpan.FromHours(24)), rng),
            _ => throw new InvariantException($"unmapped {spec.Kind}"),
        };
    }

    public Instant Next()
    {
        _now = After(_now);
        return _now <= TraceLimits.SecondsMax
            ? Instant.FromSeconds(_now)
            : throw new InputException("the arrival process runs past 3,000 years; raise its rate");
    }

    /// <summary>The first arrival after this one. Seconds.</summary>
    protected abstract double After(double now);

    private static double Seconds(Spec spec, string key, TimeSpan? fallback = null)
    {
        var duration = spec.Duration(key, fallback);
        return duration > TimeSpan.Zero ? duration.TotalSeconds : throw spec.Error($"has {key}=0, expected more than 0");
    }
}

/// <summary>Independent gaps with mean 1/rate and the coefficient of variation given, of the gamma law: 1 is a Poisson
/// process, 0 a metronome, above 1 bursts.</summary>
internal sealed class RenewalArrivals(double rate, double cv, Rng rng) : ArrivalProcess
{
    private Rng _rng = rng;

    // The exponential is the gamma of cv 1; drawing it directly is faster.
    protected override double After(double now) =>
        now + (cv == 1 ? Distributions.Exponential(ref _rng) : Distributions.GammaOfMeanOne(ref _rng, cv)) / rate;
}

/// <summary>Poisson with this rate for a while, then silence for a while, again and again, beginning with the
/// former.</summary>
/// <remarks>The mean rate is rate × on / (on + off). Both spells have fixed lengths.</remarks>
internal sealed class OnOffArrivals(double rate, double onSeconds, double offSeconds, Rng rng) : ArrivalProcess
{
    private Rng _rng = rng;
    private double _busy;

    // Counts time in the busy spells only and then puts the silences in between.
    protected override double After(double now)
    {
        _busy += Distributions.Exponential(ref _rng) / rate;
        return _busy + Math.Floor(_busy / onSeconds) * offSeconds;
    }
}

/// <summary>Poisson with the rate rate × (1 + amplitude × sin(2πt / period)).</summary>
/// <remarks>By thinning. Source: Lewis and Shedler (1979).</remarks>
internal sealed class DiurnalArrivals(double rate, double amplitude, double periodSeconds, Rng rng) : ArrivalProcess
{
    private Rng _rng = rng;

    protected override double After(double now)
    {
        var highest = rate * (1 + amplitude);
        do now += Distributions.Exponential(ref _rng) / highest;
        while (_rng.NextDouble() * highest > rate * (1 + amplitude * Math.Sin(2 * Math.PI * now / periodSeconds)));
        return now;
    }
}
