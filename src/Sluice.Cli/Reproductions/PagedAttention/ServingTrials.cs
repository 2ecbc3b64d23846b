using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>Means over a run while requests arrive.</summary>
/// <param name="Running">Requests in the batch.</param>
/// <param name="KvLive">Share of KV memory that holds a computed token.</param>
/// <param name="KvTaken">Share of KV memory that is given out.</param>
internal readonly record struct Occupancy(double Running, double KvLive, double KvTaken);

/// <summary>The paper's serving experiments: one kind of traffic, any rate, any system.</summary>
/// <param name="name">For tables.</param>
/// <param name="traces">Independent draws of the traffic; latencies are averaged over them.</param>
/// <param name="duration">Of each trace.</param>
/// <param name="start">Where to begin the search for vLLM's highest rate [requests/s].</param>
internal sealed class ServingTrials(string name, PoissonLoad[] traces, TimeSpan duration, double start)
{
    /// <summary>Mean normalised latency up to which a rate counts as sustained [s per token]: the top of the paper's plots.
    /// Curves are so steep there that half or double of it moves the rate by a few percent.</summary>
    public const double LimitSecondsPerToken = 1;

    /// <summary>Of a system's own highest rate, to see it with its memory full.</summary>
    private const double Overload = 1.25;

    /// <summary>Where a curve is drawn besides, as shares of the highest rate.</summary>
    private static readonly double[] s_lowShares = [0.1, 0.25, 0.5, 0.75];

    public string Name => name;
    public int Traces => traces.Length;
    public TimeSpan Duration => duration;
    public PoissonLoad Trace => traces[0];

    public SustainedRate HighestRate(Server server, SimulationOptions options, bool withLowRates = false)
    {
        var found = RateSearch.Highest(start, LimitSecondsPerToken, rate => Latency(server, options, rate));
        if (!withLowRates) return found;

        var low = s_lowShares.Select(share => (Rate: share * found.Rate, Latency: Latency(server, options, share * found.Rate)));
        return found with { Points = [.. found.Points.Concat(low).OrderBy(p => p.Rate)] };
    }

    public Occupancy Saturated(Server server, double highestRate) => At(server, Overload * highestRate);

    /// <summary>Step by step, so that every sample sees the engine as it is.</summary>
    public Occupancy At(Server server, double rate)
    {
        var run = Trial.Run(Trace.At(rate, duration), server.Make(), Opt13b.Options(skipSteps: false));
        return new(
            Trial.MeanWhileLoaded(run, s => s.Running), Trial.MeanWhileLoaded(run, s => s.KvLive),
            Trial.MeanWhileLoaded(run, s => s.KvUsed));
    }

    private double Latency(Server server, SimulationOptions options, double rate) =>
        traces.Average(t => Trial.NormalizedLatency(Trial.Run(t.At(rate, duration), server.Make(), options)));
}
