using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Sluice.Upstreams;

/// <summary>What the events of one stream have in common. Nearly all of them differ in their text only, and such a one is known by
/// comparing bytes, without being read as JSON again.</summary>
/// <remarks>Sound whatever an engine sends: between the same bytes as in an event that was read stands a piece of a JSON string, so
/// it says the same but for its text.</remarks>
internal sealed class EventForm
{
    /// <summary>What a JSON string's own bytes may not hold, and the backslash, which is for a reader.</summary>
    private static readonly SearchValues<byte> s_special =
        SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(c => (byte)c), (byte)'"', (byte)'\\']);

    private byte[] _bytes = []; // of the event that was read, without its text
    private int _before;
    private int _length;
    private AnswerScan _scan;

    /// <summary>Bytes before the text.</summary>
    public ReadOnlySpan<byte> Before => _bytes.AsSpan(0, _before);

    /// <summary>Bytes behind the text.</summary>
    public ReadOnlySpan<byte> After => _bytes.AsSpan(_before, _length - _before);

    /// <summary>An event that was read is of this form.</summary>
    public bool Fits(ReadOnlySpan<byte> json, in AnswerScan scan) => scan.HasText && Has(json, scan.TextAt, scan.TextLength);

    /// <summary>An event that was read. Only those with text have a form to remember.</summary>
    public void Learn(ReadOnlySpan<byte> json, in AnswerScan scan)
    {
        if (!scan.HasText || Fits(json, in scan)) return;
        _length = json.Length - scan.TextLength;
        if (_bytes.Length < _length) _bytes = new byte[_length * 2];
        json[..scan.TextAt].CopyTo(_bytes);
        json[(scan.TextAt + scan.TextLength)..].CopyTo(_bytes.AsSpan(scan.TextAt));
        (_before, _scan) = (scan.TextAt, scan);
    }

    /// <returns>False if it has to be read.</returns>
    public bool TryMatch(ReadOnlySpan<byte> json, out AnswerScan scan)
    {
        scan = _scan;
        var length = json.Length - _length;
        if (length <= 0 || !Has(json, _before, length)) return false;
        var text = json.Slice(_before, length);
        if (text.ContainsAny(s_special) || (!Ascii.IsValid(text) && !Utf8.IsValid(text))) return false;
        scan.TextLength = length;
        return true;
    }

    /// <summary>Its text stands there, and everything around it is as remembered.</summary>
    private bool Has(ReadOnlySpan<byte> json, int textAt, int textLength) =>
        _length > 0 && textAt == _before && json.Length - textLength == _length && json.StartsWith(Before) && json.EndsWith(After);
}
