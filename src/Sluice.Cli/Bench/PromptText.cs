using System.Text;
using Sluice.Core;

namespace Sluice.Cli;

/// <summary>Makes up prompts of given length out of short common words, which most tokenizers count as one token
/// each.</summary>
/// <remarks>A prompt's blocks (from a trace's hashes) decide its words, so that prompts which shared a prefix when they were
/// recorded share one again.</remarks>
public static class PromptText
{
    private static readonly string[] s_words =
    [
        " the", " and", " for", " you", " all", " new", " one", " out", " day", " who", " get", " use", " man", " way", " see", " two",
        " now", " old", " her", " him", " how", " its", " may", " our", " say", " she", " too", " any", " ask", " big", " end", " far",
    ];

    public static string Of(Request request, int blockTokens)
    {
        var text = new StringBuilder(request.PromptTokens * 4);
        var blocks = request.PromptBlocks.Span;
        var words = new Rng((ulong)request.Id.Value).Fork("prompt");
        for (var i = 0; i < request.PromptTokens; i++)
        {
            if (blockTokens > 0 && i % blockTokens == 0)
                words = i / blockTokens < blocks.Length
                    ? new Rng(blocks[i / blockTokens])
                    : new Rng((ulong)request.Id.Value).Fork("tail");
            text.Append(s_words[words.Next(s_words.Length)]);
        }

        return text.ToString();
    }
}
