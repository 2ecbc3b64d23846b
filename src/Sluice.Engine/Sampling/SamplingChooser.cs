using System.Runtime.InteropServices;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Chooses the tokens of one answer as its options say, and tells the text that is settled with each.</summary>
/// <remarks>Its choices depend on options, sample, logits and tokens only: the draw at a position is made from seed, sample and
/// position, so that neither batching nor an interruption changes an answer. Given tokens it has not chosen itself (an answer
/// that goes on elsewhere), it catches up first. For one thread; allocates nothing per token once warm, but for text that is not just
/// that of the token, and for what <see cref="SamplingOptions.TopLogprobs"/> asks.</remarks>
public sealed class SamplingChooser : ITokenChooser
{
    private readonly Tokenizer _tokenizer;
    private readonly SamplingOptions _options;
    private readonly int _sample;
    private readonly TextDecoder? _decoder;
    private readonly StopStrings? _stops;
    private readonly JsonMatcher? _json;
    private readonly TokenDraw? _draw;
    private readonly Dictionary<int, int>? _counts;
    private readonly KeyValuePair<int, float>[]? _biases;
    private float[] _raw = [];
    private int _seen;

    /// <param name="sample">Which of several answers to one prompt, from 0.</param>
    /// <param name="givesText">Without text there are no stop strings.</param>
    /// <exception cref="InputException">An option is out of its range.</exception>
    public SamplingChooser(Tokenizer tokenizer, SamplingOptions options, int sample = 0, bool givesText = true)
    {
        options.Validate(tokenizer.Vocabulary.Count);
        if (!givesText && options.Stop.Count > 0) throw new InputException("stop: needs the text of the answer, which is turned off.");
        (_tokenizer, _options, _sample) = (tokenizer, options, sample);
        if (givesText) (_decoder, _stops) = (new(tokenizer), new(options.Stop, options.IncludesStop));
        if (options.Grammar is { } grammar) _json = new(grammar, tokenizer);
        _biases = options.LogitBias?.ToArray();
        if (options.Temperature > 0) _draw = new();
        if (options.RepetitionPenalty != 1 || options.PresencePenalty != 0 || options.FrequencyPenalty != 0) _counts = [];
    }

    public TokenChoice Choose(Span<float> logits, ReadOnlySpan<int> tokens, int promptTokens)
    {
        CatchUp(tokens, promptTokens);
        var tells = _options.Logprobs || _options.TopLogprobs > 0;
        var logSum = tells ? Keep(logits) : 0;
        var top = _options.TopLogprobs > 0 ? Top(_raw.AsSpan(0, logits.Length), logSum) : null;

        var position = tokens.Length - promptTokens;
        Change(logits, position);
        var token = Pick(logits, position);
        var logprob = tells ? (float)(_raw[token] - logSum) : 0;

        Count(token, isOutput: true);
        _seen = tokens.Length + 1;
        var ends = EndsAnswer(token);
        var text = Settle(token, ref ends);
        return new(token, ends, logprob, top, text);
    }

    /// <summary>At the end of an answer that neither an end token nor a stop string ended: text that was held back because it might
    /// have become one, and bytes that were no whole character yet.</summary>
    public string? Rest() => _decoder is null ? null : string.Concat(_stops!.Push(_decoder.Finish(), out _), _stops.Finish());

    /// <summary>Takes in tokens that were not chosen here.</summary>
    private void CatchUp(ReadOnlySpan<int> tokens, int promptTokens)
    {
        if (_seen > tokens.Length)
        {
            _seen = 0;
            _counts?.Clear();
            _stops?.Clear();
            _decoder?.Finish();
            _json?.Restart();
        }

        for (; _seen < tokens.Length; _seen++)
        {
            var isOutput = _seen >= promptTokens;
            Count(tokens[_seen], isOutput);
            if (!isOutput) continue;
            var ends = false;
            Settle(tokens[_seen], ref ends);
        }
    }

    private void Count(int token, bool isOutput)
    {
        if (_counts is null) return;
        ref var count = ref CollectionsMarshal.GetValueRefOrAddDefault(_counts, token, out _);
        if (isOutput) count++;
    }

    /// <summary>Keeps the model's own logits, from before the settings apply.</summary>
    /// <returns>The logarithm of the sum of their exponentials.</returns>
    private double Keep(ReadOnlySpan<float> logits)
    {
        if (_raw.Length < logits.Length) _raw = new float[logits.Length];
        logits.CopyTo(_raw);
        return Logits.LogSumExp(logits);
    }

    /// <summary>Bias, penalties and forbidden ends.</summary>
    private void Change(Span<float> logits, int position)
    {
        if (_biases is not null)
            foreach (var (token, bias) in _biases)
                logits[token] = bias <= -100 ? float.NegativeInfinity : logits[token] + bias;
        if (_counts is not null)
            foreach (var (token, count) in _counts)
                if (token < logits.Length) logits[token] = Penalised(logits[token], count);
        if (position < _options.MinTokens || _options.IgnoresEnd)
            foreach (var end in _tokenizer.EndTokens) logits[end] = float.NegativeInfinity;
    }

    private float Penalised(float logit, int count)
    {
        if (_options.RepetitionPenalty != 1)
            logit = logit > 0 ? logit / _options.RepetitionPenalty : logit * _options.RepetitionPenalty;
        return count == 0 ? logit : logit - _options.PresencePenalty - _options.FrequencyPenalty * count;
    }

    private int Pick(Span<float> logits, int position)
    {
        var mask = _json?.Mask(logits.Length);
        if (_draw is null) return TokenDraw.Best(logits, mask);

        var stream = new Rng(_options.Seed + 0x9E3779B97F4A7C15UL * (ulong)_sample).NextUInt64();
        var uniform = new Rng(stream + 0xD1B54A32D192ED03UL * (ulong)position).NextDouble();
        return _draw.Draw(logits, mask, _options, uniform);
    }

    private TokenLogprob[] Top(ReadOnlySpan<float> logits, double logSum)
    {
        var top = new TokenLogprob[Math.Min(_options.TopLogprobs, logits.Length)];
        var count = 0;
        for (var i = 0; i < logits.Length; i++)
        {
            if (count == top.Length && logits[i] <= top[^1].Logprob) continue;
            var at = count < top.Length ? count++ : count - 1;
            for (; at > 0 && top[at - 1].Logprob < logits[i]; at--) top[at] = top[at - 1];
            top[at] = new(i, logits[i]);
        }

        foreach (ref var entry in top.AsSpan()) entry = entry with { Logprob = (float)(entry.Logprob - logSum) };
        return top;
    }

    private bool EndsAnswer(int token) => (!_options.IgnoresEnd && _tokenizer.IsEnd(token)) || _options.StopTokens.Contains(token);

    /// <returns>The text that is settled with this token; null without text.</returns>
    private string? Settle(int token, ref bool ends)
    {
        if (_json is not null && !ends)
        {
            _json.Accept(token);
            ends = _json.IsDone;
            if (ends) return _decoder is null ? null : Text(token, out _) + Rest();
        }

        if (_decoder is null) return null;
        if (ends) return Rest();
        return Text(token, out ends);
    }

    private string Text(int token, out bool ends)
    {
        var settled = _stops!.Push(_decoder!.Push(token), out ends);
        return settled.Length == 0 ? "" : _tokenizer.Share(token, settled);
    }
}
