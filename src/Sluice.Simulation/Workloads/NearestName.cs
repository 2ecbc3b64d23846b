namespace Sluice.Simulation;

/// <summary>Says what a misspelt name may have meant.</summary>
internal static class NearestName
{
    /// <summary>"did you mean 'x'? Known: a, b, x". The guess is left out when nothing is near.</summary>
    public static string Hint(string found, IReadOnlyList<string> known)
    {
        var list = $"known: {string.Join(", ", known)}";
        return Find(found, known) is { } near ? $"did you mean '{near}'? {list}" : $"unknown; {list}";
    }

    /// <summary>The name with the fewest edits, if they are no more than half of it (and at most 3); the first of
    /// equals.</summary>
    private static string? Find(string found, IReadOnlyList<string> known)
    {
        string? best = null;
        var bestEdits = 4;
        foreach (var name in known)
        {
            var edits = Edits(found, name);
            if (edits >= bestEdits || edits > (name.Length + 1) / 2) continue;
            (best, bestEdits) = (name, edits);
        }

        return best;
    }

    /// <summary>Levenshtein distance; names are short, so the full table costs nothing.</summary>
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
                var replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[b.Length];
    }
}
