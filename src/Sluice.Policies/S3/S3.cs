using Sluice.Core;

namespace Sluice.Policies;

/// <summary>KV for the prompt and a predicted bucket of answer is set aside at admission; whoever outgrows its bucket is evicted and
/// comes back with twice of it.</summary>
/// <remarks>
/// Source: Jin et al., "S3: Increasing GPU Utilization during Generative Inference for Higher Throughput" (NeurIPS 2023), as told by the
/// survey of Kossmann et al. (arXiv 2410.17840) [R]. Buckets are the least one times a power of two, the smallest that holds the
/// predicted mean [I]; first come, first served, and S3's packing of a whole set of requests is left out [I]. What is evicted computes
/// its tokens again and stands at the front of the queue. Memory is short only where KV is not paged, or where sequences come from
/// other engines; then the last admitted gives way. O(running) per step.
/// </remarks>
/// <param name="bucketTokens">Least bucket [tokens], at least 1.</param>
public sealed class S3(int bucketTokens) : IIterationScheduler
{
    private readonly SequenceStates<int> _buckets = new(); // tokens of answer; 0 for a sequence not seen yet

    /// <summary>A decode outgrows its bucket while nobody comes or goes.</summary>
    public bool IsStable => false;

    public void Compose(Step step)
    {
        EvictOutgrown(step);
        while (!step.TryAdvanceDecodes()) step.Preempt(step.LastRunning);
        var isShort = !TryContinuePrompts(step);
        if (!isShort || step.Running == 0) Admit(step);
    }

    /// <summary>The smallest bucket that holds so many tokens.</summary>
    public static int BucketOf(double tokens, int least)
    {
        var bucket = least;
        while (bucket < tokens && bucket < 1 << 30) bucket *= 2;
        return bucket;
    }

    private void EvictOutgrown(Step step)
    {
        for (var s = step.FirstRunning; s >= 0;)
        {
            var next = step.NextRunning(s);
            var bucket = Bucket(step, s);
            if (step.OutputTokens(s) >= bucket && bucket < step[s].Request.MaxOutputTokens)
            {
                _buckets.Set(s, in step[s], BucketOf(step.OutputTokens(s) + 1, 2 * bucket));
                if (step[s].Phase is SequencePhase.Decoding or SequencePhase.Paused) step.Preempt(s);
            }

            s = next;
        }
    }

    /// <returns>False if somebody lost its blocks for want of memory.</returns>
    private static bool TryContinuePrompts(Step step)
    {
        var isEnough = true;
        for (var i = 0; i < step.Prefilling.Length && step.Budget > 0;)
        {
            var sequence = step.Prefilling[i];
            if (step.TryChunk(sequence, int.MaxValue))
            {
                i++;
                continue;
            }

            isEnough = false;
            var victim = step.LastRunning;
            step.Preempt(victim);
            if (victim == sequence) break;
            i = step.Prefilling.IndexOf(sequence);
        }

        return isEnough;
    }

    private void Admit(Step step)
    {
        var blocks = 0L;
        for (var s = step.FirstRunning; s >= 0; s = step.NextRunning(s)) blocks += BlocksOf(step, s);
        while (step.Budget > 0 && step.Waiting.Head is var next and >= 0)
        {
            blocks += BlocksOf(step, next);
            if (blocks > step.Cache.TotalBlocks && step.Running > 0) break;
            if (!step.TryAdmit(next, int.MaxValue)) break;
        }
    }

    /// <summary>Set aside for a sequence: its context when the bucket is full.</summary>
    private long BlocksOf(Step step, int sequence)
    {
        ref readonly var s = ref step[sequence];
        var tokens = s.GivenTokens + Math.Min(Bucket(step, sequence), s.Request.MaxOutputTokens);
        return KvBlocks.For(tokens, step.Cache.BlockTokens);
    }

    private int Bucket(Step step, int sequence)
    {
        ref readonly var s = ref step[sequence];
        var bucket = _buckets.Of(sequence, in s);
        if (bucket == 0) _buckets.Set(sequence, in s, bucket = BucketOf(s.Predicted.Mean, bucketTokens));
        return bucket;
    }
}
