using Sluice.Core;

namespace Sluice.Testing;

/// <summary>Lets a scheduler compose, and checks what no scheduler may ever do. A test asks afterwards whether the memory it
/// was given is all free again.</summary>
public sealed class WatchedScheduler(IIterationScheduler inner) : IterationDecorator(inner)
{
    /// <summary>The engine's memory; null before the first step.</summary>
    public IKvCache? Cache { get; private set; }

    public int HostBlocks { get; private set; }
    public long Composed { get; private set; }

    /// <summary>Most tokens planned for one step.</summary>
    public int TokensMax { get; private set; }

    /// <summary>Half of the calls keep their KV, whatever the scheduler says.</summary>
    public override CallHandling HandleCall(Step step, int sequence) =>
        (step[sequence].Request.Id.Value + step[sequence].CallsMade) % 2 == 0
            ? CallHandling.Preserve
            : base.HandleCall(step, sequence);

    public override void Compose(Step step)
    {
        if (Cache is null) (Cache, HostBlocks) = (step.Cache, step.Cache.HostFreeBlocks);
        Composed++;
        base.Compose(step);

        Check.That(step.Running - step.Paused <= step.Limits.SequencesMax);
        Check.That(step.Cache.FreeBlocks >= 0);
        Check.That(step.Cache.FreeBlocks <= step.Cache.TotalBlocks);
        Check.That(step.Budget >= 0);
        TokensMax = Math.Max(TokensMax, step.Shape.PrefillTokens + step.Shape.DecodeSequences);

        // Tokens that sequences have computed or are about to fit into the blocks that are taken.
        var tokens = 0L;
        for (var s = step.FirstRunning; s >= 0; s = step.NextRunning(s))
            if (step[s].Phase is SequencePhase.Decoding or SequencePhase.Paused) tokens += step.ComputedTokens(s);
        tokens += step.Shape.PrefillTokens;
        if (step.Shape.DecodeSequences > 0) tokens += step.Decoding;
        if (step.Cache is not PagedKvCache) // which shares blocks
            Check.That(tokens <= (long)(step.Cache.TotalBlocks - step.Cache.FreeBlocks) * step.Cache.BlockTokens);
    }

    /// <summary>True if an engine that never composed, or all of whose sequences are gone.</summary>
    public bool IsAllFree => Cache is null || (Cache.FreeBlocks == Cache.TotalBlocks && Cache.HostFreeBlocks == HostBlocks);
}
