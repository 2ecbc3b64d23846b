using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>The engines and the pools of the paper's evaluation.</summary>
/// <remarks>Nothing here was fitted to a result. A pool is half Python code (the whole answer within 30 s) and half chat (first
/// token within 10 s, 50 ms per token), all there at once. Lengths of code are ours [I], of chat those of ShareGPT.</remarks>
internal static class SaSloSetup
{
    /// <summary>Between pools, long enough for any to be finished.</summary>
    private const double GapSeconds = 4000;

    /// <summary>Pools that come first and are not counted: output lengths are learnt from them.</summary>
    private const int Learning = 2;

    /// <summary>The paper's latency model as recalled, of low confidence [R]; what it adds per prompt is left out.</summary>
    public static EngineProfile Qwen7B { get; } = Make(
        "qwen2.5-7b", "2 V100", new() { A = 15.85, B = 0.1, C = 0.275, D = 2e-4 }, kvTokens: 600_000, weightGigabytes: 15.2);

    /// <summary>65.5 GB of weights read at 2,039 GB/s and a tenth more, prompts at four fifths of 312 TFLOPS [I].</summary>
    public static EngineProfile Qwen32B { get; } = Make(
        "qwen2.5-32b", "A800", new() { A = 35.3, B = 0.26, C = 0.07, D = 1.8e-4 }, kvTokens: 20_000, weightGigabytes: 65.5);

    /// <summary>Pools one after the other.</summary>
    public static Workload Pools(int size, int count, ulong seed)
    {
        var rng = new Rng(seed).Fork($"pools of {size}");
        var total = size * (count + Learning);
        var code = WorkloadSource.FromSpec(
            $"poisson:rate=1,n={total},prompt=lognormal(60,0.6),output=lognormal(300,0.5)", rng.Fork("code"));
        var chat = WorkloadSource.FromSpec($"poisson:rate=1,n={total},lengths=sharegpt", rng.Fork("chat"));
        var requests = new Request[total];
        var outputs = new int[total];
        for (var i = 0; i < total; i++)
        {
            var isCode = rng.Next(2) == 0;
            var from = isCode ? code : chat;
            outputs[i] = Math.Min(from.OutputTokens[i], 1024);
            requests[i] = new()
            {
                Id = new(i),
                Class = new(isCode ? 0 : 1),
                Arrival = new((long)(i / size * GapSeconds * TimeSpan.TicksPerSecond) + i % size),
                PromptTokens = Math.Min(from.Requests[i].PromptTokens, 1024),
                MaxOutputTokens = 1024,
                Slo = isCode
                    ? Slo.BestEffort with { E2e = TimeSpan.FromSeconds(30) }
                    : Slo.BestEffort with { Ttft = TimeSpan.FromSeconds(10), Tpot = TimeSpan.FromSeconds(0.05) },
            };
        }

        return new()
        {
            Name = $"pools of {size}",
            Origin = "made after the evaluation of arXiv 2504.14966",
            Requests = requests,
            OutputTokens = outputs,
            Classes = ["code", "chat"],
        };
    }

    public static PoolFigures Run(EngineProfile profile, Contender system, Workload pools, int size, int batchMax)
    {
        var run = Trial.Run(pools, system.Make(), new() { Engines = [profile], Limits = new(SequencesMax: batchMax) });
        var (met, seconds, counted) = (0, 0.0, 0);
        for (var i = size * Learning; i < run.Log.Count; i++, counted++)
        {
            Check.That(run.Log.Outcome[i] is Outcome.Finished);
            if (Promises.Met(run.Log, pools.Requests[i].Slo, i)) met++;
            seconds += (run.Log.Ended[i] - run.Log.Arrival[i]) / (double)TimeSpan.TicksPerSecond;
        }

        return new(met / (double)counted, seconds / counted, met / seconds);
    }

    private static EngineProfile Make(
        string model, string device, StepCoefficients coefficients, int kvTokens, double weightGigabytes) => new()
    {
        Name = $"{model} on {device}",
        Model = model,
        Device = device,
        Coefficients = coefficients,
        KvBytesPerToken = 262_144,
        KvTokens = kvTokens,
        WeightGigabytes = weightGigabytes,
        FirstTokenExtraIterations = 0,
        ApiOverheadMilliseconds = 0,
        Origin = "made after the evaluation of arXiv 2504.14966",
    };
}

/// <param name="Kept">Share of the promises, 0 to 1.</param>
/// <param name="Seconds">Mean end-to-end latency.</param>
/// <param name="Gain">G: promises kept per second of latency.</param>
internal readonly record struct PoolFigures(double Kept, double Seconds, double Gain);
