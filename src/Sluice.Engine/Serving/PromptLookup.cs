namespace Sluice.Engine;

public sealed record PromptLookupOptions
{
    /// <summary>Longest ending that is looked for, 1 to 8 tokens; shorter ones are tried when it does not occur.</summary>
    public int EndingMax { get; init; } = 3;

    /// <summary>Shortest ending, 1 to <see cref="EndingMax"/>. One token repeats by chance too often to be worth it.</summary>
    public int EndingMin { get; init; } = 2;

    /// <summary>How far back it looks [tokens], so that a long context costs no more than a short one.</summary>
    public int LookBack { get; init; } = 4096;
}

/// <summary>Guesses that text goes on as it did after the same few tokens before.</summary>
/// <remarks>Source: prompt look-up decoding (Saxena, 2023); it pays where answers repeat their prompt: editing, summaries,
/// code. The most recent occurrence of the longest ending counts. O(look-back) per token, vectorised; no allocation.</remarks>
public sealed class PromptLookup(PromptLookupOptions options) : IDraft
{
    public int Guess(long sequence, ReadOnlySpan<int> tokens, Span<int> drafts)
    {
        for (var length = Math.Min(options.EndingMax, tokens.Length - 1); length >= options.EndingMin; length--)
        {
            var ending = tokens[^length..];
            var from = Math.Max(0, tokens.Length - options.LookBack);
            var at = tokens[from..^1].LastIndexOf(ending);
            if (at < 0) continue;

            var after = tokens[(from + at + length)..];
            var count = Math.Min(after.Length, drafts.Length);
            after[..count].CopyTo(drafts);
            return count;
        }

        return 0;
    }
}
