using System.Text;

namespace Sluice.Engine;

/// <summary>Takes the tool calls out of one answer while it is made. Text that turns out to be no call is given out as it
/// is.</summary>
public sealed class ToolCallReader(ToolCalls tools)
{
    private const string Open = "<tool_call>";
    private const string Close = "</tool_call>";

    /// <summary>Longest call [characters]; what is longer stays text, so that little is held back.</summary>
    private const int CallMax = 64 * 1024;

    private string _held = "";
    private bool _isInside; // of a call, which _held then begins with
    private bool _isText; // for good
    private bool _hasCalls;

    /// <param name="calls">Gets the calls that are complete.</param>
    /// <returns>The text that is settled.</returns>
    public string Push(string text, List<FunctionCall> calls)
    {
        if (_isText || tools.Style == ToolCallStyle.None) return text;
        _held += text;
        if (tools.Style == ToolCallStyle.Bare)
        {
            var start = _held.AsSpan().TrimStart();
            _isText = start.Length > 0 && start[0] is not ('{' or '[') || _held.Length > CallMax;
            return _isText ? Release(_held.Length) : "";
        }

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
            if (tools.TryRead(Encoding.UTF8.GetBytes(_held), calls)) _held = "";
        }
        else
        {
            while (TryAdvance(settled, calls, isEnd: true))
            {
            }
        }

        return settled.Append(Release(_held.Length)).ToString();
    }

    /// <returns>False if no more can be told.</returns>
    private bool TryAdvance(StringBuilder settled, List<FunctionCall> calls, bool isEnd)
    {
        if (_held.Length == 0) return false;
        if (!_isInside)
        {
            var open = _held.IndexOf(Open, StringComparison.Ordinal);
            if (open < 0)
            {
                if (!isEnd) settled.Append(Outside(Release(_held.Length - HeldBack(_held))));
                else if (_hasCalls && string.IsNullOrWhiteSpace(_held)) _held = "";
                return false;
            }

            settled.Append(Outside(Release(open).TrimEnd()));
            _isInside = true;
            return true;
        }

        var close = _held.IndexOf(Close, StringComparison.Ordinal);
        if (close < 0 && !isEnd && _held.Length <= CallMax) return false;
        var end = close < 0 ? _held.Length : close;
        var whole = close < 0 ? _held.Length : close + Close.Length;
        _isInside = false;
        if (end - Open.Length <= CallMax && tools.TryRead(Encoding.UTF8.GetBytes(_held[Open.Length..end]), calls))
        {
            _held = _held[whole..];
            _hasCalls = true;
        }
        else
        {
            settled.Append(Release(whole));
        }

        return true;
    }

    /// <summary>Blanks between calls are no text.</summary>
    private string Outside(string text) => _hasCalls && string.IsNullOrWhiteSpace(text) ? "" : text;

    private string Release(int count)
    {
        var text = _held[..count];
        _held = _held[count..];
        return text;
    }

    /// <summary>How much of the end may be the beginning of a call, with the blanks before it.</summary>
    private static int HeldBack(string text)
    {
        var count = Math.Min(text.Length, Open.Length - 1);
        while (count > 0 && !Open.AsSpan().StartsWith(text.AsSpan(text.Length - count))) count--;
        while (count < text.Length && char.IsWhiteSpace(text[^(count + 1)])) count++;
        return count;
    }
}
