using System.Globalization;
using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>The same requests at any rate: lengths and Poisson gaps are drawn once, and a rate only scales the gaps. What
/// experiments at several rates differ in is then the rate alone.</summary>
public sealed class PoissonLoad
{
    private readonly Workload _unit;

    /// <param name="name">For tables.</param>
    /// <param name="lengths">Length keys of a workload description, such as <c>lengths=sharegpt</c>.</param>
    /// <param name="count">Requests drawn; what does not fit is dropped from them.</param>
    /// <param name="fit">Prompt and output tokens as the experiment takes them; null drops the request.</param>
    /// <param name="slo">Promises, as in <c>--slo</c>; null for none.</param>
    public PoissonLoad(
        string name, string lengths, int count, ulong seed, Func<int, int, (int PromptTokens, int OutputTokens)?> fit,
        string? slo = null)
    {
        var rng = new Rng(seed).Fork(name);
        var drawn = WorkloadSource.FromSpec(string.Create(CultureInfo.InvariantCulture, $"poisson:rate=1,n={count},{lengths}"), rng);
        var requests = new List<Request>(count);
        var outputs = new List<int>(count);
        for (var i = 0; i < count; i++)
        {
            if (fit(drawn.Requests[i].PromptTokens, drawn.OutputTokens[i]) is not var (prompt, output)) continue;
            requests.Add(new()
            {
                Id = new(requests.Count),
                Arrival = drawn.Requests[requests.Count].Arrival, // Gaps stay those of the process, whoever was dropped.
                PromptTokens = prompt,
                MaxOutputTokens = output,
            });
            outputs.Add(output);
        }

        var unit = new Workload { Name = name, Origin = drawn.Origin, Requests = [.. requests], OutputTokens = [.. outputs] };
        _unit = slo is null ? unit : SloMix.Parse(slo).Apply(unit, rng.Fork("slo"));
        PromptTokensMean = requests.Average(r => (double)r.PromptTokens);
        OutputTokensMean = outputs.Average();
        DroppedShare = 1 - requests.Count / (double)count;
    }

    private PoissonLoad(PoissonLoad load, Workload unit)
    {
        _unit = unit;
        (PromptTokensMean, OutputTokensMean, DroppedShare) = (load.PromptTokensMean, load.OutputTokensMean, load.DroppedShare);
    }

    /// <summary>The same with promises that depend on the request.</summary>
    public PoissonLoad Promising(Func<Request, Slo> slo) =>
        new(this, _unit with { Requests = [.. _unit.Requests.Select(r => r with { Slo = slo(r) })] });

    public string Name => _unit.Name;
    public double PromptTokensMean { get; }
    public double OutputTokensMean { get; }
    public double DroppedShare { get; }

    /// <summary>The first requests' lengths, for experiments without arrivals.</summary>
    public IEnumerable<(Request Request, int OutputTokens)> First(int count) => _unit.Requests.Take(count).Zip(_unit.OutputTokens);

    /// <summary>Requests that arrive within a time at a rate [requests/s] that changes in steps.</summary>
    /// <param name="step">How long each rate holds; the rates follow one another again and again.</param>
    public Workload At(IReadOnlyList<double> rates, TimeSpan step, TimeSpan duration)
    {
        var mean = rates.Average();
        var flat = At(mean, duration);
        var period = step.Ticks * (double)rates.Count;
        return flat with { Requests = [.. flat.Requests.Select(r => r with { Arrival = new(Warp(r.Arrival.Ticks)) })] };

        // Arrivals at the mean rate, pulled together where the rate is above it and apart where it is below.
        long Warp(long ticks)
        {
            var rounds = Math.Floor(ticks / period);
            var left = (ticks - rounds * period) * mean;
            var at = rounds * period;
            foreach (var rate in rates)
            {
                if (left <= step.Ticks * rate) return (long)(at + left / rate);
                left -= step.Ticks * rate;
                at += step.Ticks;
            }

            return (long)at;
        }
    }

    /// <summary>Requests that arrive within a time at a rate [requests/s].</summary>
    public Workload At(double rate, TimeSpan duration)
    {
        var end = duration.Ticks * rate;
        var count = Array.FindIndex(_unit.Requests, r => r.Arrival.Ticks >= end);
        Check.That(count > 0); // Else too few were drawn for this rate, or none arrives.
        return _unit.Cut(count, rate);
    }
}
