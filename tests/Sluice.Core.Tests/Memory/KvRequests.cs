namespace Sluice.Core.Tests;

internal static class KvRequests
{
    public static Request Of(int promptTokens, int outputTokens = 100, ReadOnlyMemory<ulong> promptBlocks = default) =>
        new()
        {
            Id = new(1),
            Arrival = default,
            PromptTokens = promptTokens,
            MaxOutputTokens = outputTokens,
            PromptBlocks = promptBlocks,
        };

    /// <summary>A prompt whose content is a function of its salt, with the hashes of its full blocks.</summary>
    public static Request Salted(int promptTokens, ulong salt = 1, int blockTokens = 16)
    {
        var hashes = new ulong[promptTokens / blockTokens];
        var rng = new Rng(salt);
        foreach (ref var hash in hashes.AsSpan()) hash = rng.NextUInt64();
        return Of(promptTokens, promptBlocks: hashes);
    }
}
