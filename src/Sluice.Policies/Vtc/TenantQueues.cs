using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Waiting requests that may take each other's turn: one model, one class, one priority, promises of one order of
/// magnitude. By tenant, the least served tenant first, and first come first served within.</summary>
internal sealed class TenantQueues(ServiceCounters counters)
{
    private readonly IndexedHeap _tenants = new();
    private IndexedHeap?[] _queues = new IndexedHeap?[16];

    public ServiceCounters Counters => counters;

    public void Add(int slot, Request request)
    {
        var tenant = request.Tenant.Index;
        if (tenant >= _queues.Length) Array.Resize(ref _queues, Math.Max(tenant + 1, _queues.Length * 2));
        (_queues[tenant] ??= new()).Set(slot, request.Arrival.Ticks, request.Id.Value);
        Update(request.Tenant);
    }

    public void Remove(int slot, TenantId tenant)
    {
        _queues[tenant.Index]!.Remove(slot);
        Update(tenant);
    }

    /// <summary>The oldest request of the tenant that was served least; ties go to the tenant of the smaller number.</summary>
    /// <returns>False when nobody waits.</returns>
    public bool TryPeek(out int slot)
    {
        slot = _tenants.Count == 0 ? -1 : _queues[_tenants.MinItem]!.MinItem;
        return slot >= 0;
    }

    /// <summary>A tenant's counter or queue changed.</summary>
    public void Update(TenantId tenant)
    {
        if (tenant.Index >= _queues.Length || _queues[tenant.Index] is not { } queue) return;
        if (queue.Count > 0) _tenants.Set(tenant.Index, KeyOf(counters[tenant]), tenant.Index);
        else if (_tenants.Contains(tenant.Index)) _tenants.Remove(tenant.Index);
    }

    /// <summary>Thousandths of a token.</summary>
    private static long KeyOf(double tokens) => (long)Math.Min(tokens * 1000, long.MaxValue / 2);
}
