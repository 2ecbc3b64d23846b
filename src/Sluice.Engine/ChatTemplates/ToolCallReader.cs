using System.Text;

namespace Sluice.Engine;

/// <summary>Takes the tool calls out of one answer while it is made. Text that turns out to be no call is given out as it
/// is.</summary>
/// <remarks>Every character is looked at a bounded number of times, however small the pieces are that it comes in.</remarks>
public sealed class ToolCallReader(ToolCalls tools)
{
    private const string Open = "<tool_call>";
    private const string Close = "</tool_call>";

    /// <summary>Longest call [characters]; what is longer stays text, so that little is held back.</summary>
    private const int CallMax = 64 * 1024;

    /// <summary>White space that is held back because a call may follow [characters]; what comes before more of it is
    /// text.</summary>
    private const int BlanksMax = 256;

    private char[] _buffer = new char[256];
    private int _start; // of what is held
    private int _end;
    private int _next; // before it nothing is left to be found
    private bool _isInside; // of a call, with which what is held begins
    private bool _isJson; // The first character of a bare answer says so.
    private bool _isText; // for good
    private bool _hasCalls;

    /// <summary>Characters looked at or moved so far, for the test that this grows as the answer does.</summary>
    internal long Work { get; private set; }

    private ReadOnlySpan<char> Held => _buffer.AsSpan(_start, _end - _start);

    /// <param name="calls">Gets the calls that are complete.</param>
    /// <returns>The text that is settled.</returns>
    public string Push(string text, List<FunctionCall> calls)
    {
        if (_isText || tools.Style == ToolCallStyle.None) return text;
        Append(text);
        if (tools.Style == ToolCallStyle.Bare) return PushBare();

        var settled = new StringBuilder();
        while (TryAdvance(settled, calls, isEnd: false))
        {
        }

        return settled.ToString();
    }

    /// <summary>Nothing follows.</summary>
    public string Finish(List<FunctionCall> calls)
    {
        var settled = new StringBuilder();
        if (tools.Style == ToolCallStyle.Bare)
        {
            if (TryRead(Held, calls)) _start = _end;
        }
        else
        {
            while (TryAdvance(settled, calls, isEnd: true))
            {
            }
        }

        return settled.Append(Release(_end - _start)).ToString();
    }

    private string PushBare()
    {
        for (; !_isJson && !_isText && _next < _end; _next++)
        {
            Work++;
            if (char.IsWhiteSpace(_buffer[_next])) continue;
            _isJson = _buffer[_next] is '{' or '[';
            _isText = !_isJson;
        }

        _isText |= _end - _start > CallMax;
        return _isText ? Release(_end - _start) : "";
    }

    /// <returns>False if no more can be told.</returns>
    private bool TryAdvance(StringBuilder settled, List<FunctionCall> calls, bool isEnd)
    {
        if (_start == _end) return false;
        return _isInside ? TryLeave(settled, calls, isEnd) : TryEnter(settled, isEnd);
    }

    private bool TryEnter(StringBuilder settled, bool isEnd)
    {
        if (TryFind(Open, out var open))
        {
            settled.Append(Outside(Release(open - _start).TrimEnd()));
            _isInside = true;
            _next = _start + Open.Length;
            return true;
        }

        if (!isEnd) settled.Append(Outside(Release(_end - _start - HeldBack())));
        else if (_hasCalls && Held.IsWhiteSpace()) _start = _end;
        return false;
    }

    private bool TryLeave(StringBuilder settled, List<FunctionCall> calls, bool isEnd)
    {
        var isClosed = TryFind(Close, out var close);
        if (!isClosed && !isEnd && _end - _start <= CallMax) return false;
        var content = _buffer.AsSpan((_start + Open.Length)..(isClosed ? close : _end));
        var whole = (isClosed ? close + Close.Length : _end) - _start;
        _isInside = false;
        if (content.Length <= CallMax && TryRead(content, calls))
        {
            _start += whole;
            _hasCalls = true;
        }
        else
        {
            settled.Append(Release(whole));
        }

        return true;
    }

    private bool TryRead(ReadOnlySpan<char> json, List<FunctionCall> calls)
    {
        Work += json.Length;
        var utf8 = new byte[Encoding.UTF8.GetMaxByteCount(json.Length)];
        return tools.TryRead(utf8.AsSpan(0, Encoding.UTF8.GetBytes(json, utf8)), calls);
    }

    /// <summary>Looks where it has not looked yet.</summary>
    private bool TryFind(string mark, out int at)
    {
        var from = Math.Max(_start, _next);
        Work += _end - from;
        at = _buffer.AsSpan(from, _end - from).IndexOf(mark, StringComparison.Ordinal);
        if (at >= 0) at += from;
        else _next = Math.Max(from, _end - mark.Length + 1); // The mark may have begun.
        return at >= 0;
    }

    /// <summary>Blanks between calls are no text.</summary>
    private string Outside(string text) => _hasCalls && string.IsNullOrWhiteSpace(text) ? "" : text;

    private string Release(int count)
    {
        Work += count;
        var text = Held[..count].ToString();
        _start += count;
        return text;
    }

    private void Append(string text)
    {
        if (_end + text.Length > _buffer.Length)
        {
            // To the front of a buffer that is at most half full then, so that it is not moved again soon.
            var to = _buffer.Length < 2 * (_end - _start + text.Length) ? new char[2 * (_end - _start + text.Length)] : _buffer;
            Held.CopyTo(to);
            Work += _end - _start;
            (_buffer, _next, _end, _start) = (to, Math.Max(0, _next - _start), _end - _start, 0);
        }

        text.CopyTo(_buffer.AsSpan(_end));
        _end += text.Length;
        Work += text.Length;
    }

    /// <summary>How much of the end may be the beginning of a call, with the blanks before it.</summary>
    private int HeldBack()
    {
        var text = Held;
        var count = Math.Min(text.Length, Open.Length - 1);
        while (count > 0 && !Open.AsSpan().StartsWith(text[^count..])) count--;
        var most = Math.Min(text.Length, count + BlanksMax);
        while (count < most && char.IsWhiteSpace(text[^(count + 1)])) count++;
        Work += count;
        return count;
    }
}
