namespace Sluice.Core;

/// <summary>How evenly a good was shared out.</summary>
public static class Fairness
{
    /// <summary>Jain's index (Σx)² / (n·Σx²): 1 when all shares are equal, 1/n when one has everything. NaN when nothing
    /// was shared out.</summary>
    /// <remarks>Source: Jain, Chiu, Hawe, "A quantitative measure of fairness and discrimination" (DEC-TR-301, 1984). Blind
    /// to how much each share asked for.</remarks>
    public static double Jain(ReadOnlySpan<double> shares)
    {
        var sum = 0.0;
        var squares = 0.0;
        foreach (var share in shares)
        {
            sum += share;
            squares += share * share;
        }

        return squares > 0 ? sum * sum / (shares.Length * squares) : double.NaN;
    }
}
