using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Service that each tenant of one pool received, in weighted tokens: the virtual token counters.</summary>
/// <remarks>A pool is what tenants share: the engines of a model, within a class. Counters only grow, apart from refunds for
/// answers shorter than predicted, so nobody saves up service while idle: see <see cref="Lift"/>.</remarks>
internal sealed class ServiceCounters
{
    private double[] _counters = new double[16];
    private int[] _waiting = new int[16];
    private double _lastLeft;

    public double this[TenantId tenant] => _counters[tenant.Index];

    /// <summary>Grows the tables, so that later calls need not.</summary>
    public void Know(TenantId tenant)
    {
        if (tenant.Index < _counters.Length) return;
        var size = Math.Max(tenant.Index + 1, _counters.Length * 2);
        Array.Resize(ref _counters, size);
        Array.Resize(ref _waiting, size);
    }

    /// <summary>A tenant joins the waiting ones. It begins where the least served of them stands, or where the last one that
    /// left stood: time in which it wanted nothing gives it no claim.</summary>
    /// <returns>True if its counter changed.</returns>
    public bool Join(TenantId tenant)
    {
        var isNew = _waiting[tenant.Index]++ == 0;
        return isNew && Lift(tenant);
    }

    public void Leave(TenantId tenant)
    {
        if (--_waiting[tenant.Index] == 0) _lastLeft = _counters[tenant.Index];
        Check.That(_waiting[tenant.Index] >= 0);
    }

    public void Add(TenantId tenant, double tokens) => _counters[tenant.Index] += tokens;

    private bool Lift(TenantId tenant)
    {
        var least = double.PositiveInfinity;
        for (var i = 0; i < _counters.Length; i++)
            if (i != tenant.Index && _waiting[i] > 0) least = Math.Min(least, _counters[i]);
        if (double.IsPositiveInfinity(least)) least = _lastLeft;
        if (_counters[tenant.Index] >= least) return false;
        _counters[tenant.Index] = least;
        return true;
    }
}
