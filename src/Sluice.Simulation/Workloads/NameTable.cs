using System.Text;

namespace Sluice.Simulation;

/// <summary>Numbers names in the order they are first seen.</summary>
internal sealed class NameTable
{
    private const int NameBytesMax = 256;

    private readonly Dictionary<string, int> _index = new(StringComparer.Ordinal);
    private readonly List<string> _names = [];

    /// <summary>The names by number; <c>default</c> alone when none was seen.</summary>
    public IReadOnlyList<string> Names => _names.Count > 0 ? _names : ["default"];

    public int IndexOf(string name)
    {
        if (_index.TryGetValue(name, out var index)) return index;

        _index.Add(name, _names.Count);
        _names.Add(name);
        return _names.Count - 1;
    }

    /// <summary>As above, without allocating for a name that is known. An empty name is <c>default</c>; a long one is
    /// cut.</summary>
    public int IndexOf(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty) return IndexOf("default");

        Span<char> chars = stackalloc char[NameBytesMax];
        var length = Encoding.UTF8.GetChars(utf8[..Math.Min(utf8.Length, NameBytesMax)], chars);
        var name = chars[..length];
        return _index.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out var index)
            ? index
            : IndexOf(name.ToString());
    }
}
