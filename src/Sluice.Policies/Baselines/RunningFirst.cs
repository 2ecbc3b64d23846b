using Sluice.Core;

namespace Sluice.Policies;

public sealed record RunningFirstOptions
{
    /// <summary>Most tokens of one prompt in one step; 0 for no limit but the budget. vLLM's
    /// long_prefill_token_threshold.</summary>
    public int ChunkTokens { get; init; }

    /// <summary>Take KV blocks for the whole prompt at admission (Sarathi), not chunk by chunk (vLLM v1).</summary>
    public bool ReserveWholePrompt { get; init; }

    /// <summary>When blocks are short, whoever was admitted last gives way, also where a waiting order says who is
    /// first.</summary>
    public bool LastAdmittedGivesWay { get; init; }

    /// <summary>Share of all KV blocks that admission leaves free, 0 to 1.</summary>
    public double Watermark { get; init; }
}

/// <summary>Running sequences advance first; what is left of the token budget admits waiting ones, prompts in
/// chunks.</summary>
/// <remarks>
/// Source: vLLM v1's scheduler, and Sarathi-Serve (OSDI 2024), which differs in reserving a whole prompt's blocks and keeping
/// a watermark. The order of a step:
/// <list type="number">
/// <item>every decode takes one token; while blocks are short, whoever stands last gives way and will recompute;</item>
/// <item>prompts under way take their next chunk, oldest first;</item>
/// <item>if nobody gave way, waiting sequences are admitted in queue order until the first that does not fit.</item>
/// </list>
/// First come first served, "last" is who was admitted last; with a waiting order (priority, deadline, length) it is the
/// running sequence with the worst key. Nobody gives way to a better key while memory suffices. O(1) per step plus O(1) per
/// chunk; O(running) when somebody gives way by key.
/// </remarks>
public sealed class RunningFirst(RunningFirstOptions options, IWaitingOrder? order = null) : IIterationScheduler
{
    private readonly int _chunkTokens = options.ChunkTokens > 0 ? options.ChunkTokens : int.MaxValue;

    public bool IsStable => true;
    public IWaitingOrder? WaitingOrder => order;

    public void Compose(Step step)
    {
        // 1. Decodes.
        while (!step.TryAdvanceDecodes()) step.Preempt(Last(step));

        // 2. Prompts under way. Giving way can shorten the list, so it is walked by position.
        for (var i = 0; i < step.Prefilling.Length && step.Budget > 0;)
        {
            var sequence = step.Prefilling[i];
            if (step.TryChunk(sequence, _chunkTokens))
            {
                i++;
                continue;
            }

            var victim = Last(step);
            step.Preempt(victim);
            if (victim != sequence) i = step.Prefilling.IndexOf(sequence);
        }

        if (step.SomeoneGaveWay) return;

        // 3. Waiting sequences.
        var keepFree = (int)(options.Watermark * step.Cache.TotalBlocks);
        while (step.Budget > 0 && step.Waiting.Head is var next and >= 0)
            if (!step.TryAdmit(next, _chunkTokens, options.ReserveWholePrompt, keepFree)) break;
    }

    private int Last(Step step)
    {
        if (order is null || options.LastAdmittedGivesWay) return step.LastRunning;

        var worst = step.FirstRunning;
        for (var s = worst; s >= 0; s = step.NextRunning(s))
            if ((order.KeyOf(in step[s]), step[s].Order).CompareTo((order.KeyOf(in step[worst]), step[worst].Order)) > 0) worst = s;
        return worst;
    }
}
