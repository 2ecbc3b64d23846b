using System.Text;

namespace Sluice.Engine;

/// <summary>Makes text of tokens as they come. A character whose bytes come in several tokens is given when it is whole; bytes
/// that are no UTF-8 become U+FFFD.</summary>
/// <remarks>For one answer, from one thread. No allocation per token once warm.</remarks>
/// <param name="showsControl">Control tokens give their names; else nothing.</param>
public sealed class TextDecoder(Tokenizer tokenizer, bool showsControl = false)
{
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private char[] _text = new char[64];

    /// <summary>Bytes that wait for the rest of their character.</summary>
    public bool HasRest { get; private set; }

    /// <summary>The text that this token completes, perhaps none. Good until the next call.</summary>
    public ReadOnlySpan<char> Push(int token)
    {
        if (!showsControl && tokenizer.IsControl(token)) return [];
        var bytes = tokenizer.Vocabulary.Bytes(token);
        if (_text.Length < bytes.Length + 4) _text = new char[2 * bytes.Length + 8];
        _decoder.Convert(bytes, _text, flush: false, out _, out var written, out _);
        HasRest = _decoder.GetCharCount([], flush: true) > 0;
        return _text.AsSpan(0, written);
    }

    /// <summary>At the end of an answer: what waited for the rest of its character.</summary>
    public ReadOnlySpan<char> Finish()
    {
        _decoder.Convert([], _text, flush: true, out _, out var written, out _);
        HasRest = false;
        return _text.AsSpan(0, written);
    }
}
