using System.Text;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>The tokens of a model: their bytes and their kinds.</summary>
public sealed class TokenVocabulary
{
    /// <summary>Most tokens; the largest published vocabularies have some 260,000.</summary>
    private const int CountMax = 4 << 20;

    private const int TokenBytesMax = 1 << 16;

    private readonly byte[] _bytes;
    private readonly int[] _starts;
    private readonly TokenKind[] _kinds;

    private TokenVocabulary(byte[] bytes, int[] starts, TokenKind[] kinds) => (_bytes, _starts, _kinds) = (bytes, starts, kinds);

    public int Count => _kinds.Length;

    /// <summary>What the token contributes to a text: of a control token, its name; nothing for ids beyond the last, which
    /// models with padded embeddings have.</summary>
    public ReadOnlySpan<byte> Bytes(int token) =>
        (uint)token < (uint)Count ? _bytes.AsSpan(_starts[token].._starts[token + 1]) : [];

    /// <summary>As for messages; not every token is whole UTF-8.</summary>
    public string Text(int token) => Encoding.UTF8.GetString(Bytes(token));

    /// <summary><see cref="TokenKind.Unused"/> for ids beyond the last.</summary>
    public TokenKind Kind(int token) => (uint)token < (uint)Count ? _kinds[token] : TokenKind.Unused;

    /// <param name="file">Has <c>tokenizer.ggml.tokens</c> and perhaps <c>token_type</c>.</param>
    /// <param name="decode">Turns the text in the file into the token's bytes and says what kind it is here.</param>
    internal static TokenVocabulary Read(GgufFile file, Func<ReadOnlySpan<byte>, TokenKind, List<byte>, TokenKind> decode)
    {
        const string tokensKey = "tokenizer.ggml.tokens";
        const string kindsKey = "tokenizer.ggml.token_type";
        var texts = file.Metadata.FindTexts(tokensKey) ?? throw file.Metadata.Missing(tokensKey, "the vocabulary");
        if (texts.Count is 0 or > CountMax)
            throw file.Metadata.OutOfRange(tokensKey, $"an array of {texts.Count}", $"1 to {CountMax} tokens");

        // A text that is not covered by the embeddings would give ids that the model does not have.
        if (file.Find("token_embd.weight") is { } embeddings && embeddings.Dimension(1) < texts.Count)
            throw file.Metadata.OutOfRange(tokensKey, $"an array of {texts.Count}",
                $"at most {embeddings.Dimension(1)}, as 'token_embd.weight' has rows");

        var kinds = ReadKinds(file, kindsKey, texts.Count);
        var bytes = new List<byte>(8 * texts.Count);
        var starts = new int[texts.Count + 1];
        for (var i = 0; i < texts.Count; i++)
        {
            if (texts[i].Length > TokenBytesMax)
                throw file.Metadata.OutOfRange(tokensKey, $"an array whose element {i} has {texts[i].Length} bytes",
                    $"tokens of at most {TokenBytesMax} bytes");
            kinds[i] = decode(texts[i], kinds[i], bytes);
            starts[i + 1] = bytes.Count;
        }

        return new([.. bytes], starts, kinds);
    }

    private static TokenKind[] ReadKinds(GgufFile file, string key, int count)
    {
        var numbers = file.Metadata.FindIntegers(key);
        var kinds = new TokenKind[count];
        Array.Fill(kinds, TokenKind.Normal);
        if (numbers is null) return kinds;
        if (numbers.Length != count)
            throw file.Metadata.OutOfRange(key, $"an array of {numbers.Length}", $"{count} elements, one per token");
        for (var i = 0; i < count; i++)
            kinds[i] = numbers[i] is >= 1 and <= 6
                ? (TokenKind)numbers[i]
                : throw file.Metadata.OutOfRange(key, $"an array whose element {i} is {numbers[i]}", "1 to 6");
        return kinds;
    }

    /// <summary>A table of the tokens that plain text may become: no control tokens, so that nobody smuggles one in. Of tokens
    /// with the same bytes a normal one counts, since the others are found as wholes.</summary>
    internal ByteTable TableOfText()
    {
        var table = new ByteTable(Count, _bytes.Length);
        for (var i = 0; i < Count; i++)
            if (_kinds[i] is TokenKind.UserDefined or TokenKind.Unused && Bytes(i).Length > 0) table.Set(Bytes(i), i);
        for (var i = 0; i < Count; i++)
            if (_kinds[i] is TokenKind.Normal && Bytes(i).Length > 0) table.Set(Bytes(i), i);
        return table;
    }
}
