using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Texts as vectors. A text is computed whole between two steps, in pieces of the token budget, and leaves no KV
/// behind.</summary>
public sealed partial class ServingLoop
{
    /// <summary>Far above the slots that the core hands out, which stay as few as its sequences.</summary>
    private int EmbeddingSlot => 8 * _options.OutstandingMax;

    /// <summary>Floats of an embedding, 0 if the model gives none.</summary>
    public int EmbeddingWidth => _model is IHiddenStates states ? states.HiddenWidth : 0;

    /// <summary>Pools the states after the last layer into one vector of length 1.</summary>
    /// <param name="pooling">How; <see cref="Pooling.None"/> counts as the last token's.</param>
    /// <param name="vector">As long as <see cref="EmbeddingWidth"/>.</param>
    public Refusal TryEmbed(ReadOnlySpan<int> tokens, Pooling pooling, Span<float> vector)
    {
        Check.That(EmbeddingWidth > 0 && vector.Length == EmbeddingWidth);
        if (tokens.IsEmpty || HasForeign(tokens)) return Refusal.Malformed;
        if (tokens.Length > TokensMax) return Refusal.TooLong;
        var request = new Request { Id = new(_lastId++), Arrival = Now, PromptTokens = tokens.Length, MaxOutputTokens = 1 };
        if (!_cache.TryAdmit(EmbeddingSlot, request, tokens.Length)) return Refusal.Busy;

        _runner.MakeCopies();
        vector.Clear();
        for (var from = 0; from < tokens.Length; from += _options.TokenBudget)
            Pool(tokens, from, Math.Min(_options.TokenBudget, tokens.Length - from), pooling, vector);
        _cache.Release(EmbeddingSlot);

        var squares = 0.0;
        foreach (var x in vector) squares += (double)x * x;
        if (squares > 0)
            foreach (ref var x in vector) x = (float)(x / Math.Sqrt(squares));
        return Refusal.None;
    }

    private void Pool(ReadOnlySpan<int> tokens, int from, int count, Pooling pooling, Span<float> sum)
    {
        var isEnd = from + count == tokens.Length;
        var rows = pooling is Pooling.Mean or Pooling.First ? count : isEnd ? 1 : 0;
        var batch = new ForwardBatch();
        batch.Add(tokens.Slice(from, count), from, _cache.BlockTableMemory(EmbeddingSlot), rows);
        var hidden = new float[rows * sum.Length];
        ((IHiddenStates)_model).ForwardHidden(batch, hidden);
        for (var row = 0; row < rows; row++)
        {
            if (pooling == Pooling.First && from + row > 0) break;
            for (var i = 0; i < sum.Length; i++) sum[i] += hidden[row * sum.Length + i];
        }
    }
}
