namespace Sluice.Policies;

/// <summary>Sorts small integers by a key; equal keys by themselves. No allocation, which the library's sort with a comparer
/// of our own would cost.</summary>
internal static class KeySort
{
    public static void Sort(Span<long> keys, Span<int> items)
    {
        keys.Sort(items);
        for (int first = 0, end = 1; end <= keys.Length; end++)
        {
            if (end < keys.Length && keys[end] == keys[first]) continue;
            if (end - first > 1) items[first..end].Sort();
            first = end;
        }
    }
}
