using Sluice.Core;

namespace Sluice.Simulation.Tests;

/// <summary>The public traces read to the numbers their owners and the data folder's own description give.</summary>
public sealed class RealTraceTests
{
    private static Workload Read(string file, TraceOptions? options = null) =>
        TraceReader.Read(SharedData.Trace(file), TraceFormat.Auto, options ?? new());

    [SharedDataFact]
    public void Azure_2023_conversation()
    {
        var load = Read("azure2023_conv.csv.gz");

        Expect(load, requests: 19_366, seconds: 3502, promptMean: 1155, outputMean: 211);
        Assert.Equal((1020, 4142), (Prompt(load, 0.5), Prompt(load, 0.99)));
        Assert.Equal((129, 601), (Output(load, 0.5), Output(load, 0.99)));
        Assert.Equal(5.53, load.Requests.Length / load.Requests[^1].Arrival.Seconds, 0.005);
    }

    [SharedDataFact]
    public void Azure_2023_code()
    {
        var load = Read("azure2023_code.csv.gz");

        Expect(load, requests: 8819, seconds: 3436, promptMean: 2048, outputMean: 28);
        Assert.Equal((7436, 13), (Prompt(load, 0.99), Output(load, 0.5)));
    }

    [SharedDataFact]
    public void Mooncake_conversation()
    {
        var load = Read("mooncake_conversation.jsonl.gz", new() { KvBlockTokens = 512 });

        Expect(load, requests: 12_031, seconds: 3537, promptMean: 12_035, outputMean: 343);
        Assert.InRange(Prompt(load, 0.99), 85_000, 86_000);
        Assert.Equal(0.366, HitCeiling(load), 0.01);
    }

    [SharedDataFact]
    public void Mooncake_synthetic()
    {
        var load = Read("mooncake_synthetic.jsonl.gz", new() { KvBlockTokens = 512 });

        Expect(load, requests: 3993, seconds: 1022, promptMean: 15_325, outputMean: 149);
        Assert.Equal(0.64, HitCeiling(load), 0.01);
    }

    [SharedDataFact]
    public void Sharegpt_lengths()
    {
        var load = Read("sharegpt_10k_lengths_llama2.csv.gz", new() { Arrivals = "poisson:rate=10" });

        Assert.Equal(10_000, load.Requests.Length);
        Assert.Equal(246, load.Requests.Average(r => r.PromptTokens), 0.5);
        Assert.Equal(326, load.OutputTokens.Average(), 0.5);
    }

    [SharedDataTheory]
    [InlineData("sharegpt_llama-3.1-8b_300_sps10_blockhash16.jsonl.gz")]
    [InlineData("sharegpt_qwen3-30b-a3b_300_sps10_blockhash16.jsonl.gz")]
    public void Llmservingsim(string file)
    {
        var load = Read(file);

        Assert.Equal(300, load.Requests.Length);
        Assert.All(load.Requests, r => Assert.Equal(r.PromptTokens / 16, r.PromptBlocks.Length));
        WorkloadRules.Hold(load);
    }

    private static void Expect(Workload load, int requests, double seconds, double promptMean, double outputMean)
    {
        WorkloadRules.Hold(load);
        Assert.Equal(requests, load.Requests.Length);
        Assert.Equal(seconds, load.Requests[^1].Arrival.Seconds, 1.0);
        Assert.Equal(promptMean, load.Requests.Average(r => r.PromptTokens), 0.51);
        Assert.Equal(outputMean, load.OutputTokens.Average(), 0.51);
    }

    private static int Prompt(Workload load, double q) => Quantile([.. load.Requests.Select(r => r.PromptTokens)], q);

    private static int Output(Workload load, double q) => Quantile([.. load.OutputTokens], q);

    private static int Quantile(int[] values, double q)
    {
        Array.Sort(values);
        return values[(int)Math.Round(q * (values.Length - 1))];
    }

    /// <summary>Share of prompt blocks seen before in their place, which an endless cache would hold. As in the published
    /// figure the last, partial block of a prompt counts among the blocks, though it is hardly ever a hit.</summary>
    private static double HitCeiling(Workload load)
    {
        var seen = new HashSet<ulong>();
        var (hits, blocks) = (0, 0);
        foreach (var request in load.Requests)
        {
            blocks += (request.PromptTokens + load.PrefixBlockTokens - 1) / load.PrefixBlockTokens;
            foreach (var block in request.PromptBlocks.Span)
                if (!seen.Add(block)) hits++;
        }

        return (double)hits / blocks;
    }
}
