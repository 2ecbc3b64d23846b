namespace Sluice.Engine;

/// <summary>Which tokens may come next, for every state of a grammar that was met. Shared by all answers of one grammar and
/// tokenizer, from any thread.</summary>
internal sealed class JsonMasks(JsonGrammar grammar, Tokenizer tokenizer)
{
    /// <summary>States kept; of the largest vocabularies a mask has 32 KiB, so all of them 16 MiB. When there are more it begins
    /// anew.</summary>
    private const int StatesMax = 512;

    private readonly Lock _lock = new();
    private readonly JsonMachine _machine = new(grammar);
    private readonly Dictionary<Key, ulong[]> _masks = new(new KeyComparer());
    private readonly ulong[]?[] _inText = new ulong[(int)JsonText.AfterF4 + 1][];
    private readonly List<JsonStacks> _levels = [];
    private JsonStack.Frame[] _scratch = new JsonStack.Frame[64];

    /// <summary>The frames of all stacks, with a mark between them.</summary>
    private readonly record struct Key(JsonStack.Frame[] Frames, int Length);

    /// <param name="tokens">Size of the vocabulary that the model has logits for.</param>
    public ulong[] Of(JsonStacks state, int tokens)
    {
        lock (_lock)
        {
            var key = MakeKey(state, tokens);
            if (_masks.TryGetValue(key, out var mask)) return mask;
            if (_masks.Count >= StatesMax) _masks.Clear();
            mask = Make(state, tokens);
            _masks.Add(new(key.Frames[..key.Length], key.Length), mask);
            return mask;
        }
    }

    private ulong[] Make(JsonStacks state, int tokens)
    {
        var mask = new ulong[(Math.Max(tokens, tokenizer.Vocabulary.Count) + 63) / 64];
        if (state.Count == 1 && state[0] is { Depth: > 0, Top: { Phase: JsonPhase.Text, Extra: 0 } top }
            && (top.Node < 0 || (grammar[top.Node].Min == 0 && grammar[top.Node].Max == int.MaxValue)))
        {
            // Only a quote leaves a text, so what most tokens do does not depend on what is around it.
            var inside = _inText[top.State] ??= InText(top.State, mask.Length);
            for (var i = 0; i < mask.Length; i++) mask[i] = i < inside.Length ? inside[i] : 0;
            Walk(state, tokenizer.Order.WithQuote, mask);
        }
        else
        {
            Walk(state, tokenizer.Order.All, mask);
        }

        if (JsonMachine.MayEnd(state))
            AllowEnd(mask);
        if (mask.AsSpan().ContainsAnyExcept(0UL)) return mask;

        // Nothing fits: it is too deep to be closed as the schema wants, or the vocabulary lacks a byte. The answer ends unfinished.
        if (tokenizer.EndTokens.Length > 0) AllowEnd(mask);
        else Array.Fill(mask, ulong.MaxValue);
        return mask;
    }

    private void AllowEnd(ulong[] mask)
    {
        foreach (var end in tokenizer.EndTokens) mask[end >> 6] |= 1UL << (end & 63);
    }

    private ulong[] InText(int textState, int words)
    {
        var stack = new JsonStack();
        stack.Push(JsonPhase.Text, -1, textState);
        var stacks = new JsonStacks();
        stacks.Add(stack);
        var mask = new ulong[words];
        Walk(stacks, tokenizer.Order.WithoutQuote, mask);
        return mask;
    }

    /// <summary>Adds the tokens that fit. A token that begins like the one before it goes on from where that one was.</summary>
    private void Walk(JsonStacks state, TokenOrder.Part order, ulong[] mask)
    {
        Level(0).CopyFrom(state);
        var fitting = 0;
        for (var i = 0; i < order.Tokens.Length; i++)
        {
            // What the one before it broke on is in this one too.
            if (i > 0 && order.Common[i] > fitting) continue;

            var bytes = tokenizer.Vocabulary.Bytes(order.Tokens[i]);
            fitting = i == 0 ? 0 : Math.Min(fitting, order.Common[i]);
            while (fitting < bytes.Length)
            {
                var next = Level(fitting + 1);
                _machine.Step(_levels[fitting], bytes[fitting], next);
                if (next.Count == 0) break;
                fitting++;
            }

            if (fitting == bytes.Length) mask[order.Tokens[i] >> 6] |= 1UL << (order.Tokens[i] & 63);
        }
    }

    private JsonStacks Level(int depth)
    {
        while (_levels.Count <= depth) _levels.Add(new());
        return _levels[depth];
    }

    private Key MakeKey(JsonStacks state, int tokens)
    {
        var length = 1;
        _scratch[0] = new(0, -2, tokens, 0);
        for (var i = 0; i < state.Count; i++)
        {
            var frames = state[i].Frames;
            if (length + frames.Length + 1 > _scratch.Length) Array.Resize(ref _scratch, 2 * (length + frames.Length + 1));
            frames.CopyTo(_scratch.AsSpan(length));
            length += frames.Length;
            _scratch[length++] = new(0, -3, 0, 0);
        }

        return new(_scratch, length);
    }

    private sealed class KeyComparer : IEqualityComparer<Key>
    {
        public bool Equals(Key x, Key y) => x.Frames.AsSpan(0, x.Length).SequenceEqual(y.Frames.AsSpan(0, y.Length));

        public int GetHashCode(Key key)
        {
            var hash = 17u;
            foreach (var frame in key.Frames.AsSpan(0, key.Length))
                hash = (((hash * 31 + (uint)frame.Phase) * 31 + (uint)frame.Node) * 31 + (uint)frame.State) * 31 + (uint)frame.Extra;
            return (int)hash;
        }
    }
}
