using System.Buffers;
using System.Collections;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Finds the tokens in a text that are whole texts of their own: user-defined ones always, control tokens where
/// that is asked for.</summary>
/// <remarks>Where several overlap the longest wins, wherever it begins; of equal ones the first. The work at a place is as much
/// as its text agrees with some token, however many tokens there are.</remarks>
internal sealed class SpecialTokens
{
    /// <summary>Most nodes of the tree, some 40 MB; the vocabularies with the most have some 60,000.</summary>
    private const int NodesMax = 1 << 20;

    private readonly TokenVocabulary _vocabulary;
    private readonly SearchValues<byte> _firstBytes;

    /// <summary>The tree of beginnings: by node and next byte the node that this leads to. Node 0 is the empty text.</summary>
    private readonly Dictionary<(int Node, byte Next), int> _next = [];

    /// <summary>By node the token whose text it is, -1 for none.</summary>
    private readonly List<int> _tokens = [-1];

    /// <exception cref="InputException">The file has far more of them than any model.</exception>
    public SpecialTokens(GgufFile file, TokenVocabulary vocabulary)
    {
        _vocabulary = vocabulary;
        for (var i = 0; i < vocabulary.Count; i++)
            if (vocabulary.Kind(i) is TokenKind.Control or TokenKind.UserDefined or TokenKind.Unknown && vocabulary.Bytes(i).Length > 0)
                Add(file, i);
        _firstBytes = SearchValues.Create([.. _next.Keys.Where(key => key.Node == 0).Select(key => key.Next)]);
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
            for (int node = 0, next = at; next < text.Length && _next.TryGetValue((node, text[next]), out node);)
            {
                next++;
                if (_tokens[node] is not (>= 0 and var token)) continue;
                if (!withControl && _vocabulary.Kind(token) != TokenKind.UserDefined) continue;
                overlap |= at < end;
                end = Math.Max(end, next);
                to.Add(new(at, next - at, token));
            }
        }

        if (overlap) RemoveOverlaps(text.Length, to);
    }

    private void Add(GgufFile file, int token)
    {
        var node = 0;
        foreach (var b in _vocabulary.Bytes(token))
        {
            if (!_next.TryGetValue((node, b), out var next))
            {
                next = _tokens.Count;
                if (next == NodesMax)
                    throw file.Metadata.OutOfRange("tokenizer.ggml.token_type", "an array with ever more control and user-defined tokens",
                        $"such tokens with at most {NodesMax} bytes that are not shared");
                _next.Add((node, b), next);
                _tokens.Add(-1);
            }

            node = next;
        }

        // Of two with the same text the one that is always found, else the first.
        var known = _tokens[node];
        var isAlways = _vocabulary.Kind(token) == TokenKind.UserDefined;
        if (known < 0 || (isAlways && _vocabulary.Kind(known) != TokenKind.UserDefined)) _tokens[node] = token;
    }

    private static void RemoveOverlaps(int length, List<Match> matches)
    {
        matches.Sort((a, b) => a.Length != b.Length ? b.Length.CompareTo(a.Length) : a.Start.CompareTo(b.Start));

        // Those chosen before are as long or longer, so one that overlaps has this one's first byte or its last.
        var isTaken = new BitArray(length);
        var kept = 0;
        for (var k = 0; k < matches.Count; k++)
        {
            var match = matches[k];
            if (isTaken[match.Start] || isTaken[match.Start + match.Length - 1]) continue;
            for (var i = 0; i < match.Length; i++) isTaken[match.Start + i] = true;
            matches[kept++] = match;
        }

        matches.RemoveRange(kept, matches.Count - kept);
        matches.Sort((a, b) => a.Start.CompareTo(b.Start));
    }
}
