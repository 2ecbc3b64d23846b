namespace Sluice.Engine;

/// <summary>Follows one answer through a grammar.</summary>
internal sealed class JsonMatcher
{
    private readonly Tokenizer _tokenizer;
    private readonly JsonMachine _machine;
    private readonly JsonMasks _masks;
    private JsonStacks _state = new();
    private JsonStacks _next = new();

    public JsonMatcher(JsonGrammar grammar, Tokenizer tokenizer)
    {
        _tokenizer = tokenizer;
        _machine = new(grammar);
        _masks = grammar.MasksFor(tokenizer);
        Restart();
    }

    /// <summary>The JSON is complete and nothing more may come.</summary>
    public bool IsDone => JsonMachine.IsDone(_state);

    public void Restart() => _machine.Start(_state);

    /// <summary>The tokens that may come next, one bit each.</summary>
    /// <param name="tokens">Size of the vocabulary that the model has logits for.</param>
    public ulong[] Mask(int tokens) => _masks.Of(_state, tokens);

    /// <summary>Goes on by a token that was chosen. What does not fit, in an answer that began without the grammar, is passed
    /// over.</summary>
    public void Accept(int token)
    {
        foreach (var c in _tokenizer.Vocabulary.Bytes(token))
        {
            _machine.Step(_state, c, _next);
            if (_next.Count > 0) (_state, _next) = (_next, _state);
        }
    }
}
