namespace Sluice.Policies;

/// <summary>Requests of like lengths that are worth most together: the best window over the candidates sorted by length.</summary>
/// <remarks>Source: JITServe (NSDI 2026), grouped margin goodput maximisation. Like lengths make steps of like duration. O(n) with a
/// running sum.</remarks>
public static class LengthWindow
{
    /// <param name="byLength">Densities of the candidates, sorted by their lengths.</param>
    /// <param name="size">Of the window, at least 1.</param>
    /// <returns>Where the window begins; the first of equals.</returns>
    public static int Best(ReadOnlySpan<double> byLength, int size)
    {
        if (byLength.Length <= size) return 0;
        var sum = 0.0;
        for (var i = 0; i < size; i++) sum += byLength[i];
        var (best, at) = (sum, 0);
        for (var i = size; i < byLength.Length; i++)
        {
            sum += byLength[i] - byLength[i - size];
            if (sum > best * (1 + 1e-12)) (best, at) = (sum, i - size + 1);
        }

        return at;
    }
}
