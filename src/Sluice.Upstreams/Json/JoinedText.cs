using System.Buffers;

namespace Sluice.Upstreams;

/// <summary>Events that came together and differ in their text only, as one.</summary>
/// <remarks>No larger than what came together, which the reader of the stream bounds.</remarks>
internal sealed class JoinedText
{
    private readonly ArrayBufferWriter<byte> _json = new(1024);
    private AnswerScan _scan;

    public bool IsEmpty => _json.WrittenCount == 0;

    public void Add(EventForm form, ReadOnlySpan<byte> json, in AnswerScan scan)
    {
        if (IsEmpty)
        {
            _scan = scan with { Tokens = 0, TextLength = 0 };
            _json.Write(form.Before);
        }

        _json.Write(scan.TextOf(json));
        _scan.Tokens += scan.Tokens;
        _scan.TextLength += scan.TextLength;
    }

    /// <returns>The event, good until the next is added.</returns>
    public (ReadOnlyMemory<byte> Json, AnswerScan Scan) Take(EventForm form)
    {
        _json.Write(form.After);
        var whole = (_json.WrittenMemory, _scan);
        _json.ResetWrittenCount();
        return whole;
    }
}
