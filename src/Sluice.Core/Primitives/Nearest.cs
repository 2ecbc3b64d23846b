namespace Sluice.Core;

/// <summary>Finds what somebody who mistyped a word probably meant.</summary>
public static class Nearest
{
    /// <summary>Letters from which on the beginning of a candidate counts as near it.</summary>
    private const int WordMin = 3;

    /// <summary>The candidate with the fewest edits to <paramref name="word"/>, or null if none is near: more than a third
    /// of its letters, at least two, would have to change. Then the first that begins with the word will do.</summary>
    public static string? Of(string word, IReadOnlyList<string> candidates)
    {
        string? best = null;
        var fewest = int.MaxValue;
        foreach (var candidate in candidates)
        {
            // Somebody who left off the end of a name meant that name, however long the rest is.
            var edits = word.Length > 1 && candidate.StartsWith(word, StringComparison.OrdinalIgnoreCase)
                ? 1
                : Edits(word.ToLowerInvariant(), candidate.ToLowerInvariant());
            if (edits < fewest) (best, fewest) = (candidate, edits);
        }

        return fewest <= Math.Max(2, word.Length / 3) ? best
            : word.Length >= WordMin ? candidates.FirstOrDefault(c => c.StartsWith(word, StringComparison.OrdinalIgnoreCase)) : null;
    }

    /// <summary><c>, did you mean 'x'?</c>, or nothing.</summary>
    public static string Hint(string word, IReadOnlyList<string> candidates) =>
        Of(word, candidates) is { } best ? $" (did you mean '{best}'?)" : "";

    /// <summary><c>did you mean 'x'? known: a, b, x</c>, for messages that name the wrong word before it.</summary>
    public static string HintAndList(string word, IReadOnlyList<string> known)
    {
        var list = $"known: {string.Join(", ", known)}";
        return Of(word, known) is { } best ? $"did you mean '{best}'? {list}" : $"unknown; {list}";
    }

    /// <summary>Levenshtein distance; names are short, and a long word is near none of them.</summary>
    private static int Edits(string a, string b)
    {
        if (a.Length > 40) return int.MaxValue;

        var row = new int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++) row[j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substituted, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[b.Length];
    }
}
