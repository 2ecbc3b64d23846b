using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Guesses with a smaller model of the same vocabulary: its likeliest tokens.</summary>
/// <remarks>Source: speculative decoding (Leviathan et al., ICML 2023), with the rule that a guess counts if the large model
/// chooses the same token. Keeps KV of its own for each sequence; what it computed for guesses that did not hold is
/// overwritten. When its blocks are short it makes no guess.</remarks>
public sealed class ModelDraft : IDraft
{
    private readonly ITransformer _model;
    private readonly PagedKvCache _cache;
    private readonly Dictionary<long, State> _states = [];
    private readonly Stack<int> _freeSlots = new();
    private readonly ForwardBatch _batch = new();
    private readonly float[] _logits;
    private int _slots;

    public ModelDraft(ITransformer model)
    {
        _model = model;
        _cache = new(model.TotalBlocks, model.BlockTokens);
        _logits = new float[model.Vocabulary];
    }

    public bool KeepsState => true;

    public int FreeBlocks => _cache.FreeBlocks;

    public int Guess(long sequence, ReadOnlySpan<int> tokens, Span<int> drafts)
    {
        var count = Math.Min(drafts.Length, _model.ContextMax - tokens.Length);
        if (count <= 0) return 0;
        if (!_states.TryGetValue(sequence, out var state))
        {
            var request = new Request { Id = new(sequence), Arrival = default, PromptTokens = 1, MaxOutputTokens = 1 };
            var slot = _freeSlots.Count > 0 ? _freeSlots.Pop() : _slots++;
            if (!_cache.TryAdmit(slot, request, 1))
            {
                _freeSlots.Push(slot);
                return 0;
            }

            _states.Add(sequence, state = new(slot));
        }

        // The guesses it has KV of may have been wrong; what they share with the answer stands.
        var known = 0;
        while (known < state.Tokens.Count && known < tokens.Length && state.Tokens[known] == tokens[known]) known++;
        known = Math.Min(known, tokens.Length - 1);
        state.Tokens.RemoveRange(known, state.Tokens.Count - known);
        if (!_cache.TryReserve(state.Slot, tokens.Length + count - 1)) return 0;

        drafts[0] = Next(state, tokens[known..]);
        for (var i = 1; i < count; i++) drafts[i] = Next(state, drafts.Slice(i - 1, 1));
        return count;
    }

    public void Forget(long sequence)
    {
        if (!_states.Remove(sequence, out var state)) return;
        _cache.Release(state.Slot);
        _freeSlots.Push(state.Slot);
    }

    private int Next(State state, ReadOnlySpan<int> tokens)
    {
        _batch.Clear();
        _batch.Add(tokens, state.Tokens.Count, _cache.BlockTableMemory(state.Slot), logitRows: 1);
        _model.Forward(_batch, _logits);
        state.Tokens.AddRange(tokens);
        var best = 0;
        for (var i = 1; i < _logits.Length; i++)
            if (_logits[i] > _logits[best]) best = i;
        return best;
    }

    private sealed class State(int slot)
    {
        public int Slot { get; } = slot;
        public List<int> Tokens { get; } = [];
    }
}
