using System.Text.Json;

namespace Sluice.Gateway;

/// <summary>Text that grows, kept as it stands in JSON, escapes and all: pieces are appended as bytes, and nothing is decoded
/// until somebody wants it.</summary>
internal sealed class JsonText
{
    private const int FirstBytes = 1024;

    private byte[] _bytes = new byte[FirstBytes]; // From the opening quotation mark on.
    private int _end = 1;

    public JsonText() => _bytes[0] = (byte)'"';

    /// <summary>Of its pieces [bytes].</summary>
    public int Length => _end - 1;

    /// <summary>A JSON string.</summary>
    public ReadOnlySpan<byte> Quoted
    {
        get
        {
            _bytes[_end] = (byte)'"'; // There is always room for it.
            return _bytes.AsSpan(0, _end + 1);
        }
    }

    /// <param name="escaped">A piece of a JSON string.</param>
    public void Append(ReadOnlySpan<byte> escaped)
    {
        if (_end + escaped.Length >= _bytes.Length) Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _end + escaped.Length + 1));
        escaped.CopyTo(_bytes.AsSpan(_end));
        _end += escaped.Length;
    }

    public void Clear() => _end = 1;

    /// <returns>False if it is no Unicode text, as when one half of a pair is missing.</returns>
    public bool TryDecode(out string text)
    {
        try
        {
            var reader = new Utf8JsonReader(Quoted);
            reader.Read();
            text = reader.GetString()!;
            return true;
        }
        catch (InvalidOperationException)
        {
            text = "";
            return false;
        }
    }
}
