using System.Text;

namespace Sluice.Engine.Tests;

/// <summary>Answers from logits that a test makes up.</summary>
internal static class Answers
{
    /// <summary>Random logits for one position, the same for the same seed.</summary>
    public static float[] Logits(int vocabulary, ulong seed, float spread = 6)
    {
        var rng = new Core.Rng(seed);
        return [.. Enumerable.Range(0, vocabulary).Select(_ => (float)((rng.NextDouble() - 0.5) * 2 * spread))];
    }

    /// <summary>Chooses until the answer ends, and gives the text with what was held back.</summary>
    public static (int[] Tokens, string Text, bool Ended) Run(
        SamplingChooser chooser, Func<int, float[]> logits, int tokensMax, int[]? prompt = null)
    {
        List<int> tokens = [.. prompt ?? [1]];
        var promptTokens = tokens.Count;
        var text = new StringBuilder();
        for (var i = 0; i < tokensMax; i++)
        {
            var choice = chooser.Choose(logits(i), [.. tokens], promptTokens);
            tokens.Add(choice.Token);
            text.Append(choice.Text);
            if (choice.EndsAnswer) return ([.. tokens.Skip(promptTokens)], text.ToString(), true);
        }

        return ([.. tokens.Skip(promptTokens)], text.Append(chooser.Rest()).ToString(), false);
    }

    /// <summary>Logits that make one token after another all but certain.</summary>
    public static Func<int, float[]> Saying(Tokenizer tokenizer, params int[] tokens) => position =>
    {
        var logits = new float[tokenizer.Vocabulary.Count];
        logits[position < tokens.Length ? tokens[position] : tokenizer.Eos] = 50;
        return logits;
    };
}
