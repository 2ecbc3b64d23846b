using Sluice.Core;

namespace Sluice.Engine;

public sealed record TransformerOptions
{
    /// <summary>Threads that compute a step, the caller's among them, 1 to 256.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Tokens per KV block; a multiple of 16. Small blocks leave little of the last one unused.</summary>
    public int BlockTokens { get; init; } = 16;

    /// <summary>KV blocks, at least 1; they are allocated at once.</summary>
    public int TotalBlocks { get; init; } = 512;

    /// <summary>F32 is exact; F16 takes half the memory.</summary>
    public KvType KvType { get; init; } = KvType.F32;

    /// <summary>Positions a sequence may have; 0 for as many as the model was made for.</summary>
    public int ContextMax { get; init; }

    internal InstructionSet InstructionSet { get; init; } = InstructionSets.Best;

    internal void Check()
    {
        if (Threads is < 1 or > 256) throw new InputException($"{Threads} compute threads; expected 1 to 256.");
        if (ContextMax < 0) throw new InputException($"a context of {ContextMax} tokens; expected at least 1, or 0 for the model's.");
        if (TotalBlocks < 1) throw new InputException($"{TotalBlocks} KV blocks; expected at least 1.");
    }
}
