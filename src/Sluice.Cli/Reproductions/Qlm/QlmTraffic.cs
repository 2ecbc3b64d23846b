using System.Globalization;
using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>The paper's workloads: W_A mixes interactive and batch requests of one model, W_B batch requests of many, W_C adds
/// mega prompts to W_A. ShareGPT lengths, Poisson arrivals; a rate scales the gaps of the same requests.</summary>
internal sealed class QlmTraffic
{
    /// <summary>Share of mega prompts in W_C.</summary>
    private const double MegaShare = 0.1;

    private const string Interactive = "interactive:1,ttft=20s";
    private const string Batch1 = "batch-1:1,ttft=1m";
    private const string Batch2 = "batch-2:1,ttft=1h";

    public QlmTraffic(int requests, ulong seed)
    {
        var rng = new Rng(seed).Fork("qlm");
        var plain = Make("W_A", requests, 1, "lengths=sharegpt,max-total=4096,cap=2048");
        A = Promise(plain, $"{Interactive};{Batch1};{Batch2}");
        OneClass = Promise(plain, "ttft=20s");
        B = Promise(Popular(plain, rng.Fork("models")), $"{Batch1};{Batch2}");

        var mega = (int)(MegaShare * requests);
        C = Promise(
            WorkloadMerge.Of(
                Make("W_C chat", requests - mega, 1 - MegaShare, "lengths=sharegpt,max-total=4096,cap=2048,class=chat"),
                Make("W_C mega", mega, MegaShare, "prompt=uniform(3000,4000),output=sharegpt,cap=2048,class=mega")),
            "chat:1,ttft=20s;mega:1,ttft=1h");
        PromptTokensMean = plain.Requests.Average(r => (double)r.PromptTokens);
        OutputTokensMean = plain.OutputTokens.Average();
        MegaPromptTokensMean = C.Requests.Average(r => (double)r.PromptTokens);

        Workload Make(string name, int count, double rate, string rest) => WorkloadSource.FromSpec(
            string.Create(CultureInfo.InvariantCulture, $"poisson:rate={rate},n={count},{rest}"), rng.Fork(name));

        Workload Promise(Workload load, string mix) => SloMix.Parse(mix).Apply(load, rng.Fork("promises"));
    }

    /// <summary>One model; interactive, batch-1 and batch-2 in equal shares.</summary>
    public Workload A { get; }

    /// <summary>W_A's requests, all interactive.</summary>
    public Workload OneClass { get; }

    /// <summary>Many models; batch-1 and batch-2 in equal shares.</summary>
    public Workload B { get; }

    /// <summary>One model; nine interactive requests to one mega prompt, which is batch work.</summary>
    public Workload C { get; }

    public double PromptTokensMean { get; }
    public double OutputTokensMean { get; }
    public double MegaPromptTokensMean { get; }

    /// <summary>The same requests, models drawn by popularity.</summary>
    private static Workload Popular(Workload load, Rng rng)
    {
        var requests = new Request[load.Requests.Length];
        for (var i = 0; i < requests.Length; i++)
        {
            var (draw, model) = (rng.NextDouble(), 0);
            while (model < QlmFleet.Models.Count - 1 && (draw -= QlmFleet.Popularity(model)) >= 0) model++;
            requests[i] = load.Requests[i] with { Model = new(model) };
        }

        return new()
        {
            Name = load.Name,
            Origin = load.Origin,
            Requests = requests,
            OutputTokens = load.OutputTokens,
            Models = [.. QlmFleet.Models.Select(m => m.Name)],
        };
    }
}
