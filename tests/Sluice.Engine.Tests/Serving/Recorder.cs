using Sluice.Core;

namespace Sluice.Engine.Tests;

/// <summary>What one answer came to.</summary>
internal sealed class Heard
{
    public List<int> Tokens { get; } = [];

    /// <summary>A hash of the bits of all logits that a token was chosen from.</summary>
    public List<ulong> Logits { get; } = [];

    public AnswerEnd? End { get; set; }
    public int Ends { get; set; }
}

/// <summary>Writes down all answers of a generation, with the logits behind every token.</summary>
internal sealed class Recorder(int samples = 1) : IGenerationSink
{
    public Heard[] Answers { get; } = [.. Enumerable.Range(0, samples).Select(_ => new Heard())];

    public Heard Answer => Answers[0];

    /// <summary>Called after each token.</summary>
    public Action<int>? After { get; set; }

    public void OnToken(int sample, in TokenChoice token)
    {
        Answers[sample].Tokens.Add(token.Token);
        After?.Invoke(sample);
    }

    public void OnEnd(int sample, in AnswerEnd end)
    {
        Answers[sample].End = end;
        if (end.Reason != EndReason.Evicted) Answers[sample].Ends++;
    }

    /// <summary>Greedy for the first answer, the second likeliest token now and then for others, as a seed would.</summary>
    public ITokenChooser Chooser(int sample, params int[] endTokens) => new Watched(Answers[sample].Logits, sample, endTokens);

    private sealed class Watched(List<ulong> logitsSeen, int seed, int[] endTokens) : ITokenChooser
    {
        public TokenChoice Choose(Span<float> logits, ReadOnlySpan<int> tokens, int promptTokens)
        {
            var hash = 14695981039346656037UL;
            foreach (var x in logits) hash = (hash ^ BitConverter.SingleToUInt32Bits(x)) * 1099511628211UL;
            logitsSeen.Add(hash);

            var best = Best(logits);
            if (seed > 0 && new Rng((ulong)seed).Fork(tokens.Length.ToString()).NextUInt64() % 3 == 0)
            {
                logits[best] = float.NegativeInfinity; // A chooser may spoil its logits.
                best = Best(logits);
            }

            return new(best, endTokens.AsSpan().Contains(best));
        }

        private static int Best(ReadOnlySpan<float> logits)
        {
            var best = 0;
            for (var i = 1; i < logits.Length; i++)
                if (logits[i] > logits[best]) best = i;
            return best;
        }
    }
}
