using Sluice.Core;

namespace Sluice.Upstreams;

/// <summary>An answer token by token. How long it gets and why it ends are known before the first token is, so that the
/// engine can hold it to its length.</summary>
internal sealed class PacedAnswer
{
    private const int CharsPerFixedToken = 4;
    private const int ShortestTokens = 8;
    private const double LongestMeans = 4;

    private readonly string? _fixed;
    private readonly int _charsMax; // a stop text begins there
    private DemoText _text;
    private int _chars;
    private int _made;

    public PacedAnswer(PacedRequest request, int meanTokens)
    {
        _fixed = request.Fixed;
        _text = new DemoText(request.Seed);
        _charsMax = int.MaxValue;
        if (_fixed is not null)
        {
            var whole = (_fixed.Length + CharsPerFixedToken - 1) / CharsPerFixedToken;
            (Tokens, FinishReason) = whole > request.TokensMax
                ? (request.TokensMax, "length")
                : (whole, request.Tool is null ? "stop" : "tool_calls");
            return;
        }

        (Tokens, FinishReason, _charsMax) = Measure(request, meanTokens);
    }

    /// <summary>Tokens of the whole answer, at least 1.</summary>
    public int Tokens { get; }

    public string FinishReason { get; }

    /// <summary>Tokens made so far, those passed over included.</summary>
    public int Made => _made;

    public string Next()
    {
        Check.That(_made < Tokens);
        var token = Make();
        var left = _charsMax - _chars;
        _chars += token.Length;
        return token.Length <= left ? token : token[..Math.Max(0, left)];
    }

    /// <summary>Passes over what the caller has. Text of our own is found again in it; of other text, only the tokens
    /// count.</summary>
    public void Skip(AnswerSoFar soFar)
    {
        var has = soFar.Text.AsSpan();
        while (_made < Tokens && has.Length > 0)
        {
            var token = Next();
            if (!has.StartsWith(token)) break;
            has = has[token.Length..];
        }

        while (_made < Math.Min(Tokens, soFar.OutputTokens)) Next();
    }

    private string Make()
    {
        var at = _made++ * CharsPerFixedToken;
        return _fixed is null ? _text.Next() : _fixed.Substring(at, Math.Min(CharsPerFixedToken, _fixed.Length - at));
    }

    private static (int Tokens, string FinishReason, int CharsMax) Measure(PacedRequest request, int meanTokens)
    {
        var rng = new Rng(request.Seed).Fork("length");
        var spread = Math.Min(LongestMeans, -Math.Log(1 - rng.NextDouble()));
        var atLeast = Math.Max(request.TokensMin, ShortestTokens + (int)(spread * meanTokens));
        var goesOn = request.IsEndless && request.TokensMax < int.MaxValue;
        var tailMax = request.Stops.Count > 0 ? request.Stops.Max(s => s.Length) - 1 : 0;

        var text = new DemoText(request.Seed);
        var (tail, chars) = ("", 0);
        for (var tokens = 1; ; tokens++)
        {
            var token = text.Next();
            if (request.Stops.Count > 0)
            {
                tail += token;
                var found = First(tail, request.Stops);
                if (found >= 0 && tokens >= request.TokensMin) return (tokens, "stop", chars + token.Length - tail.Length + found);
                if (tail.Length > tailMax) tail = tail[^tailMax..];
            }

            chars += token.Length;
            if (!goesOn && tokens >= atLeast && text.IsAtEnd) return (tokens, "stop", int.MaxValue);
            if (tokens == request.TokensMax) return (tokens, "length", int.MaxValue);
        }
    }

    private static int First(string text, IReadOnlyList<string> stops)
    {
        var first = -1;
        foreach (var stop in stops)
            if (text.IndexOf(stop, StringComparison.Ordinal) is var at and >= 0 && (first < 0 || at < first)) first = at;
        return first;
    }
}
