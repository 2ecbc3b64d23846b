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
    public PoissonLoad(
        string name, string lengths, int count, ulong seed, Func<int, int, (int PromptTokens, int OutputTokens)?> fit)
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

        _unit = new() { Name = name, Origin = drawn.Origin, Requests = [.. requests], OutputTokens = [.. outputs] };
        PromptTokensMean = requests.Average(r => (double)r.PromptTokens);
        OutputTokensMean = outputs.Average();
        DroppedShare = 1 - requests.Count / (double)count;
    }

    public string Name => _unit.Name;
    public double PromptTokensMean { get; }
    public double OutputTokensMean { get; }
    public double DroppedShare { get; }

    /// <summary>The first requests' lengths, for experiments without arrivals.</summary>
    public IEnumerable<(Request Request, int OutputTokens)> First(int count) => _unit.Requests.Take(count).Zip(_unit.OutputTokens);

    /// <summary>Requests that arrive within a time at a rate [requests/s].</summary>
    public Workload At(double rate, TimeSpan duration)
    {
        var end = duration.Ticks * rate;
        var count = Array.FindIndex(_unit.Requests, r => r.Arrival.Ticks >= end);
        Check.That(count > 0); // Else too few were drawn for this rate, or none arrives.
        return _unit.Cut(count, rate);
    }
}
