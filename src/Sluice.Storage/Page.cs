namespace Sluice.Storage;

/// <summary>Part of a list.</summary>
/// <param name="HasMore">True if more follow the last of <paramref name="Items"/>.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, bool HasMore)
{
    /// <param name="rows">Up to one more than <paramref name="limit"/>.</param>
    internal static Page<T> Of(List<T> rows, int limit) =>
        rows.Count > limit ? new(rows.GetRange(0, limit), true) : new(rows, false);
}

/// <param name="After">Id of the item before the part; null for the beginning. An id the tenant does not have gives an empty
/// part.</param>
/// <param name="Limit">1 to 10,000.</param>
/// <param name="IsNewestFirst">Order of creation, or the reverse of it.</param>
public readonly record struct PageQuery(string? After = null, int Limit = 100, bool IsNewestFirst = true)
{
    internal string Order => IsNewestFirst ? "DESC" : "ASC";

    internal string Beyond => IsNewestFirst ? "<" : ">";
}
