using System.Globalization;
using System.Text;
using Sluice.Core;

namespace Sluice.Engine;

internal enum TemplateTokenKind { Data, VariableBegin, VariableEnd, BlockBegin, BlockEnd, Name, Text, Whole, Number, Operator, End }

/// <param name="Text">Of a <see cref="TemplateTokenKind.Text"/>, without quotes and escapes.</param>
/// <param name="Line">From 1.</param>
internal readonly record struct TemplateToken(TemplateTokenKind Kind, string Text, int Line);

/// <summary>Cuts a template into tokens, with white space around blocks removed as chat templates expect it.</summary>
/// <remarks>Source: the Jinja documentation; as the libraries that made the templates set it up: the line end after a block is
/// dropped (trim_blocks), blanks before a block that begins its line too (lstrip_blocks), and one line end at the end of the
/// template.</remarks>
internal sealed class TemplateLexer
{
    private const int SourceMax = 1 << 20;

    private static readonly string[] s_operators =
    [
        "//", "**", "==", "!=", "<=", ">=", "+", "-", "/", "*", "%", "~", "|", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", ":", ".",
    ];

    private readonly string _source;
    private readonly List<TemplateToken> _tokens = [];
    private int _at;
    private int _line = 1;

    private TemplateLexer(string source) => _source = source;

    public static List<TemplateToken> Read(string source)
    {
        if (source.Length > SourceMax)
            throw new InputException($"chat template: has {source.Length} characters; expected at most {SourceMax}.");
        source = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        var lexer = new TemplateLexer(source.EndsWith('\n') ? source[..^1] : source);
        lexer.ReadAll();
        return lexer._tokens;
    }

    public static InputException Wrong(int line, string message) => new($"chat template, line {line}: {message}");

    private void ReadAll()
    {
        while (_at < _source.Length)
        {
            var open = NextOpening(_at);
            var end = open < 0 ? _source.Length : open;
            var marker = open < 0 ? '\0' : _source[open + 1];
            var sign = open >= 0 && open + 2 < _source.Length ? _source[open + 2] : '\0';
            AddData(DataEnd(end, marker, sign));
            MoveTo(end);
            if (open < 0) break;

            MoveTo(open + (sign is '-' or '+' ? 3 : 2));
            if (marker == '#') SkipComment();
            else if (marker == '%' && IsRaw()) ReadRaw();
            else ReadCode(marker == '{');
        }

        _tokens.Add(new(TemplateTokenKind.End, "", _line));
    }

    private int NextOpening(int from)
    {
        for (var at = _source.IndexOf('{', from); at >= 0 && at + 1 < _source.Length; at = _source.IndexOf('{', at + 1))
            if (_source[at + 1] is '{' or '%' or '#') return at;
        return -1;
    }

    /// <summary>Where the data before a tag ends, once the white space that the tag takes is left out.</summary>
    private int DataEnd(int end, char marker, char sign)
    {
        var kept = end;
        if (sign == '-')
        {
            while (kept > _at && char.IsWhiteSpace(_source[kept - 1])) kept--;
        }
        else if (marker is '%' or '#' && sign != '+')
        {
            while (kept > _at && _source[kept - 1] is ' ' or '\t') kept--;
            if (kept > 0 && _source[kept - 1] != '\n') kept = end;
        }

        return kept;
    }

    private void AddData(int end)
    {
        if (end > _at) _tokens.Add(new(TemplateTokenKind.Data, _source[_at..end], _line));
    }

    private void SkipComment()
    {
        var end = _source.IndexOf("#}", _at, StringComparison.Ordinal);
        if (end < 0) throw Wrong(_line, "a comment does not end; expected '#}'.");
        var sign = end > _at ? _source[end - 1] : '\0';
        MoveTo(end + 2);
        AfterTag(sign, isBlock: true);
    }

    private bool IsRaw()
    {
        var at = SkipBlanks(_at);
        return string.CompareOrdinal(_source, at, "raw", 0, 3) == 0 && at + 3 < _source.Length && !IsNameLetter(_source[at + 3]);
    }

    private void ReadRaw()
    {
        var close = _source.IndexOf("%}", _at, StringComparison.Ordinal);
        if (close < 0) throw Wrong(_line, "a block does not end; expected '%}'.");
        var sign = _source[close - 1];
        MoveTo(close + 2);
        AfterTag(sign, isBlock: true);

        for (var open = _at; ; open += 2)
        {
            open = _source.IndexOf("{%", open, StringComparison.Ordinal);
            if (open < 0) throw Wrong(_line, "'raw' does not end; expected '{% endraw %}'.");
            var end = EndOfEndRaw(open + 2);
            if (end < 0) continue;
            AddData(DataEnd(open, '%', _source[open + 2]));
            MoveTo(end);
            AfterTag(_source[end - 3], isBlock: true);
            return;
        }
    }

    /// <summary>The place after <c>endraw %}</c>, with the signs and blanks that may be there; -1 if it is something else.</summary>
    private int EndOfEndRaw(int at)
    {
        if (at < _source.Length && _source[at] is '-' or '+') at++;
        at = SkipBlanks(at);
        if (string.CompareOrdinal(_source, at, "endraw", 0, 6) != 0) return -1;
        at = SkipBlanks(at + 6);
        if (at < _source.Length && _source[at] is '-' or '+') at++;
        return string.CompareOrdinal(_source, at, "%}", 0, 2) == 0 ? at + 2 : -1;
    }

    private int SkipBlanks(int at)
    {
        while (at < _source.Length && char.IsWhiteSpace(_source[at])) at++;
        return at;
    }

    private void ReadCode(bool isVariable)
    {
        _tokens.Add(new(isVariable ? TemplateTokenKind.VariableBegin : TemplateTokenKind.BlockBegin, "", _line));
        var open = 0;
        while (true)
        {
            while (_at < _source.Length && char.IsWhiteSpace(_source[_at])) MoveTo(_at + 1);
            if (_at >= _source.Length) throw Wrong(_line, $"a tag does not end; expected '{(isVariable ? "}}" : "%}")}'.");
            if (open == 0 && TryClose(isVariable)) return;
            ReadToken(ref open);
        }
    }

    private bool TryClose(bool isVariable)
    {
        var sign = _source[_at] is '-' or '+' ? _source[_at] : '\0';
        var at = sign == '\0' ? _at : _at + 1;
        if (string.CompareOrdinal(_source, at, isVariable ? "}}" : "%}", 0, 2) != 0) return false;
        _tokens.Add(new(isVariable ? TemplateTokenKind.VariableEnd : TemplateTokenKind.BlockEnd, "", _line));
        MoveTo(at + 2);
        AfterTag(sign, isBlock: !isVariable);
        return true;
    }

    private void AfterTag(char sign, bool isBlock)
    {
        if (sign == '-')
            while (_at < _source.Length && char.IsWhiteSpace(_source[_at])) MoveTo(_at + 1);
        else if (isBlock && sign != '+' && _at < _source.Length && _source[_at] == '\n')
            MoveTo(_at + 1);
    }

    private void ReadToken(ref int open)
    {
        var c = _source[_at];
        if (c is '\'' or '"')
        {
            ReadText(c);
            return;
        }

        var end = _at + 1;
        if (char.IsAsciiDigit(c))
        {
            ReadNumber();
            return;
        }

        if (IsNameLetter(c))
        {
            while (end < _source.Length && IsNameLetter(_source[end])) end++;
            Add(TemplateTokenKind.Name, end);
            return;
        }

        var symbol = Array.Find(s_operators, o => string.CompareOrdinal(_source, _at, o, 0, o.Length) == 0)
            ?? throw Wrong(_line, $"the character '{c}' has no meaning here.");
        if (symbol is "(" or "[" or "{") open++;
        if (symbol is ")" or "]" or "}" && --open < 0) throw Wrong(_line, $"'{symbol}' closes nothing.");
        Add(TemplateTokenKind.Operator, _at + symbol.Length);
    }

    private void ReadNumber()
    {
        var end = _at;
        var kind = TemplateTokenKind.Whole;
        while (end < _source.Length && (char.IsAsciiDigit(_source[end]) || _source[end] == '_')) end++;
        if (end + 1 < _source.Length && _source[end] == '.' && char.IsAsciiDigit(_source[end + 1]))
        {
            kind = TemplateTokenKind.Number;
            end++;
            while (end < _source.Length && char.IsAsciiDigit(_source[end])) end++;
        }

        if (end + 1 < _source.Length && _source[end] is 'e' or 'E'
            && (char.IsAsciiDigit(_source[end + 1]) || _source[end + 1] is '-' or '+'))
        {
            kind = TemplateTokenKind.Number;
            end += 2;
            while (end < _source.Length && char.IsAsciiDigit(_source[end])) end++;
        }

        Add(kind, end);
    }

    private void ReadText(char quote)
    {
        var line = _line;
        var text = new StringBuilder();
        var at = _at + 1;
        while (true)
        {
            if (at >= _source.Length) throw Wrong(line, $"a text does not end; expected {quote}.");
            var c = _source[at++];
            if (c == quote) break;
            if (c != '\\' || at >= _source.Length) text.Append(c);
            else ReadEscape(_source[at++], text, ref at);
        }

        _tokens.Add(new(TemplateTokenKind.Text, text.ToString(), line));
        MoveTo(at);
    }

    private void ReadEscape(char c, StringBuilder text, ref int at)
    {
        switch (c)
        {
            case 'n': text.Append('\n'); break;
            case 't': text.Append('\t'); break;
            case 'r': text.Append('\r'); break;
            case '0': text.Append('\0'); break;
            case 'b': text.Append('\b'); break;
            case 'f': text.Append('\f'); break;
            case 'v': text.Append('\v'); break;
            case 'a': text.Append('\a'); break;
            case '\n': break;
            case 'x' or 'u' or 'U':
                var digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
                if (at + digits > _source.Length
                    || !int.TryParse(_source.AsSpan(at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code)
                    || code is < 0 or > 0x10FFFF)
                    throw Wrong(_line, $"'\\{c}' is not followed by the {digits} hexadecimal digits of a character.");
                at += digits;
                if (code is >= 0xD800 and < 0xE000) text.Append((char)code);
                else text.Append(char.ConvertFromUtf32(code));
                break;
            case '\\' or '\'' or '"': text.Append(c); break;
            default: text.Append('\\').Append(c); break;
        }
    }

    private static bool IsNameLetter(char c) => char.IsLetterOrDigit(c) || c == '_';

    private void Add(TemplateTokenKind kind, int end)
    {
        _tokens.Add(new(kind, _source[_at..end], _line));
        MoveTo(end);
    }

    private void MoveTo(int at)
    {
        _line += _source.AsSpan(_at, at - _at).Count('\n');
        _at = at;
    }
}
