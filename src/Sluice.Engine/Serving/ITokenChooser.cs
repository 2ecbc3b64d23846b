namespace Sluice.Engine;

/// <param name="Logprob">Natural logarithm of its probability before sampling settings apply.</param>
public readonly record struct TokenLogprob(int Token, float Logprob);

/// <summary>One output token of a sequence.</summary>
/// <param name="EndsAnswer">It is an end token, or the text met a stop string with it.</param>
/// <param name="Logprob">Natural logarithm of its probability; 0 where nobody asked for it.</param>
/// <param name="Top">The likeliest tokens, best first; null where nobody asked for them.</param>
/// <param name="Text">Text that is settled with this token; null where ids are all that is wanted.</param>
public readonly record struct TokenChoice(
    int Token, bool EndsAnswer, float Logprob = 0, TokenLogprob[]? Top = null, string? Text = null);

/// <summary>Chooses the tokens of one sequence, one after another.</summary>
/// <remarks>A choice depends on nothing but the settings, the logits and the tokens so far, so that a sequence goes on in the
/// same way after it was computed again, moved or verified. Called on the engine's thread; must return at once.</remarks>
public interface ITokenChooser
{
    /// <param name="logits">Of the last token of <paramref name="tokens"/>; may be changed.</param>
    /// <param name="tokens">Prompt and output so far.</param>
    /// <param name="promptTokens">How many of them are prompt.</param>
    TokenChoice Choose(Span<float> logits, ReadOnlySpan<int> tokens, int promptTokens);

    /// <summary>Text that was held back, when the answer ends after the last choice because it is long enough.</summary>
    string? Finish() => null;
}

/// <summary>The likeliest token always; ends at one of the given tokens.</summary>
public sealed class GreedyChooser(params int[] endTokens) : ITokenChooser
{
    public TokenChoice Choose(Span<float> logits, ReadOnlySpan<int> tokens, int promptTokens)
    {
        var best = 0;
        for (var i = 1; i < logits.Length; i++)
            if (logits[i] > logits[best]) best = i;
        return new(best, endTokens.AsSpan().Contains(best));
    }
}
