using Sluice.Core;

namespace Sluice.Engine;

/// <summary>How the tokens of an answer are chosen, as a request asks for it.</summary>
/// <remarks>In this order: logit bias, penalties, grammar, temperature, min-p, top-k, top-p, a draw. Log probabilities are those of
/// the model, before any of it.</remarks>
public sealed record SamplingOptions
{
    private const int StopsMax = 16;
    private const int StopLettersMax = 1024;
    private const int BiasesMax = 1024;

    /// <summary>Always the likeliest token.</summary>
    public static SamplingOptions Greedy { get; } = new() { Temperature = 0 };

    /// <summary>0 takes the likeliest token always; 1 draws as the model says. 0 to 100.</summary>
    public float Temperature { get; init; } = 1;

    /// <summary>Draws among this many of the likeliest tokens; 0 for all.</summary>
    public int TopK { get; init; }

    /// <summary>Draws among the likeliest tokens that together have this probability, at least one. Above 0, to 1.</summary>
    public float TopP { get; init; } = 1;

    /// <summary>Draws among tokens that are at least this part as likely as the likeliest. 0 to 1.</summary>
    public float MinP { get; init; }

    /// <summary>Logits of tokens in prompt or output are divided by it where positive, else multiplied. Above 0, 1 for
    /// none.</summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>Taken from the logit of every token in the output. -2 to 2.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Taken from the logit of a token for each time it is in the output. -2 to 2.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Same seed, same answer, whatever else the engine does. Who is given none draws one.</summary>
    public ulong Seed { get; init; }

    /// <summary>Added to the logits of tokens; -100 and below forbids one. Null for none.</summary>
    public IReadOnlyDictionary<int, float>? LogitBias { get; init; }

    /// <summary>Whether to tell the log probability of every token.</summary>
    public bool Logprobs { get; init; }

    /// <summary>Likeliest tokens to tell with each, 0 to 20.</summary>
    public int TopLogprobs { get; init; }

    /// <summary>Texts that end the answer, at most 16 of at most 1,024 characters.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>The text that ended the answer is part of it.</summary>
    public bool IncludesStop { get; init; }

    /// <summary>Tokens that end the answer, beside the model's own.</summary>
    public IReadOnlyList<int> StopTokens { get; init; } = [];

    /// <summary>No end token at all: the answer goes on to its limit, as for measurements.</summary>
    public bool IgnoresEnd { get; init; }

    /// <summary>No end token before this many tokens of output.</summary>
    public int MinTokens { get; init; }

    /// <summary>What the answer must be: JSON, or JSON of a schema. Null for any text.</summary>
    public JsonGrammar? Grammar { get; init; }

    /// <exception cref="InputException">A value out of its range, by the name that the API gives it.</exception>
    public void Validate(int vocabulary)
    {
        Within("temperature", Temperature, 0, 100);
        Within("top_k", TopK, 0, int.MaxValue);
        Within("top_p", TopP, float.Epsilon, 1);
        Within("min_p", MinP, 0, 1);
        Within("repetition_penalty", RepetitionPenalty, 1e-3, 1e3);
        Within("presence_penalty", PresencePenalty, -2, 2);
        Within("frequency_penalty", FrequencyPenalty, -2, 2);
        Within("top_logprobs", TopLogprobs, 0, 20);
        Within("min_tokens", MinTokens, 0, int.MaxValue);
        if (Stop.Count > StopsMax) throw new InputException($"stop: {Stop.Count} texts; expected at most {StopsMax}.");
        foreach (var stop in Stop)
            if (stop.Length is 0 or > StopLettersMax)
                throw new InputException($"stop: a text of {stop.Length} characters; expected 1 to {StopLettersMax}.");
        if (LogitBias?.Count > BiasesMax) throw new InputException($"logit_bias: {LogitBias.Count} tokens; expected at most {BiasesMax}.");
        foreach (var (token, bias) in LogitBias ?? new Dictionary<int, float>())
        {
            if ((uint)token >= (uint)vocabulary)
                throw new InputException($"logit_bias: there is no token {token}; expected ids from 0 to {vocabulary - 1}.");
            Within("logit_bias", bias, -1000, 1000);
        }
    }

    private static void Within(string name, double value, double min, double max)
    {
        if (!(value >= min && value <= max))
            throw new InputException(FormattableString.Invariant($"{name}: {value}; expected {min} to {max}."));
    }
}
