using System.Buffers;

namespace Sluice.Engine;

/// <summary>Finds the tokens in a text that are whole texts of their own: user-defined ones always, control tokens where
/// that is asked for.</summary>
/// <remarks>Where several overlap the longest wins, wherever it begins; of equal ones the first. One pass over the text plus
/// the work for what is found.</remarks>
internal sealed class SpecialTokens
{
    private readonly TokenVocabulary _vocabulary;
    private readonly List<int>[] _byFirstByte = new List<int>[256];
    private readonly SearchValues<byte> _firstBytes;

    public SpecialTokens(TokenVocabulary vocabulary)
    {
        _vocabulary = vocabulary;
        for (var i = 0; i < vocabulary.Count; i++)
        {
            if (vocabulary.Kind(i) is not (TokenKind.Control or TokenKind.UserDefined or TokenKind.Unknown)) continue;
            if (vocabulary.Bytes(i) is [var first, ..]) (_byFirstByte[first] ??= []).Add(i);
        }

        _firstBytes = SearchValues.Create([.. Enumerable.Range(0, 256).Where(b => _byFirstByte[b] is not null).Select(b => (byte)b)]);
    }

    /// <summary>A token found in a text.</summary>
    public readonly record struct Match(int Start, int Length, int Token);

    /// <summary>Appends what is found, in the order of the text and without overlaps.</summary>
    public void Find(ReadOnlySpan<byte> text, bool withControl, List<Match> to)
    {
        var overlap = false;
        var end = 0;
        for (var at = 0; at < text.Length; at++)
        {
            var skipped = text[at..].IndexOfAny(_firstBytes);
            if (skipped < 0) break;
            at += skipped;
            foreach (var token in _byFirstByte[text[at]])
            {
                if (!withControl && _vocabulary.Kind(token) != TokenKind.UserDefined) continue;
                var bytes = _vocabulary.Bytes(token);
                if (!text[at..].StartsWith(bytes)) continue;
                overlap |= at < end;
                end = Math.Max(end, at + bytes.Length);
                to.Add(new(at, bytes.Length, token));
            }
        }

        if (overlap) RemoveOverlaps(to);
    }

    private static void RemoveOverlaps(List<Match> matches)
    {
        matches.Sort((a, b) => a.Length != b.Length ? b.Length.CompareTo(a.Length)
            : a.Start != b.Start ? a.Start.CompareTo(b.Start) : a.Token.CompareTo(b.Token));
        var chosen = new SortedSet<Match>(Comparer<Match>.Create((a, b) => a.Start.CompareTo(b.Start)));
        foreach (var match in matches)
        {
            // The last chosen one that begins before this one ends must end before this one begins.
            var before = chosen.GetViewBetween(new(0, 0, 0), match with { Start = match.Start + match.Length - 1 }).Max;
            if (before.Length == 0 || before.Start + before.Length <= match.Start) chosen.Add(match);
        }

        matches.Clear();
        matches.AddRange(chosen);
    }
}
