using Sluice.Core;

namespace Sluice.Policies;

public sealed record PrefixAffinityOptions
{
    /// <summary>Prompt blocks remembered; the oldest half is forgotten when full. 2²⁰ blocks of 16 tokens are about 40 full
    /// caches of an 8B model on 80 GB.</summary>
    public int BlocksMax { get; init; } = 1 << 20;

    /// <summary>An engine is passed over when it has more than this many outstanding above the least loaded one.</summary>
    public int ImbalanceMax { get; init; } = 16;
}

/// <summary>The engine that was last sent the longest prefix of this prompt, unless it is much busier than the others; then,
/// and for new prompts, the least loaded one.</summary>
/// <remarks>Works from own accounting: which engine each prompt block went to last. That overestimates what is still cached
/// there. O(matched blocks + engines).</remarks>
public sealed class PrefixAffinity(PrefixAffinityOptions options) : IRouter
{
    private readonly LeastOutstanding _least = new();
    private Dictionary<ulong, EngineId> _young = [];
    private Dictionary<ulong, EngineId> _old = [];

    public EngineId Pick(Request request, ClusterView view)
    {
        var chosen = _least.Pick(request, view);
        if (chosen == EngineId.None) return chosen;

        var blocks = request.PromptBlocks.Span;
        for (var i = blocks.Length - 1; i >= 0; i--)
        {
            if (!TryFind(blocks[i], out var holder)) continue;
            var isFair = view.Engines[holder.Index].Outstanding - view.Engines[chosen.Index].Outstanding <= options.ImbalanceMax;
            if (isFair && view.Engines[holder.Index].CanTake(request)) chosen = holder;
            break;
        }

        foreach (var block in blocks) Remember(block, chosen);
        return chosen;
    }

    private bool TryFind(ulong block, out EngineId engine) =>
        _young.TryGetValue(block, out engine) || _old.TryGetValue(block, out engine);

    private void Remember(ulong block, EngineId engine)
    {
        if (_young.Count >= options.BlocksMax / 2)
        {
            (_young, _old) = (_old, _young);
            _young.Clear();
        }

        _young[block] = engine;
    }
}
