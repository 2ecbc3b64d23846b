using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Sluice.Upstreams;

/// <summary>Joins an answer that goes on to what the caller has of it.</summary>
/// <remarks>Chat templates cut blanks off the end of a message, so blanks at the end of the text so far are not sent; the
/// model then begins with them again, and they are taken out of what it says. If it begins otherwise, nothing is taken
/// out.</remarks>
internal sealed class Seam
{
    private string _blanks;

    public Seam(string text)
    {
        Sent = text.TrimEnd();
        _blanks = text[Sent.Length..];
    }

    /// <summary>The text as the engine gets it.</summary>
    public string Sent { get; }

    /// <summary>True while the next text may begin with what the caller has.</summary>
    public bool IsOpen => _blanks.Length > 0;

    /// <summary>An event without the blanks that the caller has.</summary>
    public ReadOnlyMemory<byte> Join(ReadOnlyMemory<byte> json, in AnswerScan scan)
    {
        if (!IsOpen || scan.TextAt < 0) return json;
        var raw = json.Span.Slice(scan.TextAt - 1, scan.TextLength + 2);
        var text = JsonSerializer.Deserialize<string>(raw)!;
        var same = 0;
        while (same < text.Length && same < _blanks.Length && text[same] == _blanks[same]) same++;
        _blanks = same == text.Length ? _blanks[same..] : "";
        if (same == 0) return json;

        var rest = JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text[same..]);
        var joined = new byte[json.Length - scan.TextLength + Encoding.UTF8.GetByteCount(rest)];
        json.Span[..scan.TextAt].CopyTo(joined);
        var length = Encoding.UTF8.GetBytes(rest, joined.AsSpan(scan.TextAt));
        json.Span[(scan.TextAt + scan.TextLength)..].CopyTo(joined.AsSpan(scan.TextAt + length));
        return joined;
    }
}
