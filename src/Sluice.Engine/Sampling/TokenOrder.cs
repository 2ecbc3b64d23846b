namespace Sluice.Engine;

/// <summary>The tokens of a vocabulary that are text, ordered by their bytes, so that whoever tries them one after another need not
/// read a common beginning twice.</summary>
internal sealed class TokenOrder
{
    public TokenOrder(Tokenizer tokenizer)
    {
        var vocabulary = tokenizer.Vocabulary;
        var tokens = new List<int>(vocabulary.Count);
        for (var i = 0; i < vocabulary.Count; i++)
            if (!tokenizer.IsControl(i) && !tokenizer.IsEnd(i) && vocabulary.Bytes(i).Length > 0) tokens.Add(i);
        tokens.Sort((a, b) => vocabulary.Bytes(a).SequenceCompareTo(vocabulary.Bytes(b)) is var order and not 0 ? order : a.CompareTo(b));
        All = new(vocabulary, [.. tokens]);
        WithQuote = new(vocabulary, [.. tokens.Where(token => vocabulary.Bytes(token).Contains((byte)'"'))]);
        WithoutQuote = new(vocabulary, [.. tokens.Where(token => !vocabulary.Bytes(token).Contains((byte)'"'))]);
    }

    public Part All { get; }

    /// <summary>Those that may end a text of JSON.</summary>
    public Part WithQuote { get; }

    public Part WithoutQuote { get; }

    /// <summary>Ordered tokens, with how many bytes each has in common with the one before it.</summary>
    internal sealed class Part
    {
        public Part(TokenVocabulary vocabulary, int[] tokens)
        {
            Tokens = tokens;
            Common = new int[tokens.Length];
            for (var i = 1; i < tokens.Length; i++)
                Common[i] = vocabulary.Bytes(tokens[i - 1]).CommonPrefixLength(vocabulary.Bytes(tokens[i]));
        }

        public int[] Tokens { get; }
        public int[] Common { get; }
    }
}
