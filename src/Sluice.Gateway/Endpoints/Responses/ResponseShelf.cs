using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>Responses that callers may ask for again, each its owner's only. The oldest go first when there are too
/// many.</summary>
internal sealed class ResponseShelf
{
    /// <summary>Both bounds keep a gateway that nobody asks for old answers within a few hundred megabytes.</summary>
    private const int CountMax = 10_000;
    private const long BytesMax = 256L << 20;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _byId = new(StringComparer.Ordinal);
    private readonly LinkedList<Entry> _byAge = [];

    public void Add(TenantId owner, ResponseState state, CancellationTokenSource cancel)
    {
        lock (_gate)
        {
            var entry = new Entry(owner, state, cancel);
            _byId.Add(state.Id, entry);
            _byAge.AddLast(entry);
            Shrink();
        }
    }

    /// <returns>Null if there is none, or it is somebody else's: nobody learns which.</returns>
    public Entry? Find(TenantId owner, string id)
    {
        lock (_gate) return _byId.TryGetValue(id, out var entry) && entry.Owner == owner ? entry : null;
    }

    /// <summary>Somebody's is there.</summary>
    public bool Has(string id)
    {
        lock (_gate) return _byId.ContainsKey(id);
    }

    public void Remove(Entry entry)
    {
        lock (_gate)
        {
            _byId.Remove(entry.State.Id);
            _byAge.Remove(entry);
        }
    }

    /// <summary>What runs stays: it is bounded by the live requests.</summary>
    private void Shrink()
    {
        var bytes = _byAge.Sum(e => (long)e.State.Bytes);
        for (var node = _byAge.First; node is not null && (_byAge.Count > CountMax || bytes > BytesMax);)
        {
            var next = node.Next;
            if (node.Value.State.IsOver)
            {
                bytes -= node.Value.State.Bytes;
                _byId.Remove(node.Value.State.Id);
                _byAge.Remove(node);
            }

            node = next;
        }
    }

    public sealed record Entry(TenantId Owner, ResponseState State, CancellationTokenSource Cancel);
}
