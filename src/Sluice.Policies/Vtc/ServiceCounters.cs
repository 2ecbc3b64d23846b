using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Service that each tenant of one pool received, in weighted tokens: the virtual token counters.</summary>
/// <remarks>A pool is what tenants share: the engines of a model, within a class. What was received only grows; what is
/// reserved for requests on engines is a prediction, and counts for the order but not for <see cref="Lift"/>, because a wrong
/// one would be inherited by whoever comes next.</remarks>
internal sealed class ServiceCounters
{
    private double[] _received = new double[16];
    private double[] _reserved = new double[16];
    private int[] _waiting = new int[16];
    private double _lastLeft;

    /// <summary>Received and reserved.</summary>
    public double this[TenantId tenant] => _received[tenant.Index] + _reserved[tenant.Index];

    /// <summary>Grows the tables, so that later calls need not.</summary>
    public void Know(TenantId tenant)
    {
        if (tenant.Index < _received.Length) return;
        var size = Math.Max(tenant.Index + 1, _received.Length * 2);
        Array.Resize(ref _received, size);
        Array.Resize(ref _reserved, size);
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
        if (--_waiting[tenant.Index] == 0) _lastLeft = _received[tenant.Index];
        Check.That(_waiting[tenant.Index] >= 0);
    }

    public void Reserve(TenantId tenant, double tokens) => _reserved[tenant.Index] += tokens;

    /// <summary>A request is off its engine.</summary>
    public void Settle(TenantId tenant, double reserved, double received)
    {
        _reserved[tenant.Index] = Math.Max(0, _reserved[tenant.Index] - reserved); // Rounding may leave a little.
        _received[tenant.Index] += received;
    }

    private bool Lift(TenantId tenant)
    {
        var least = double.PositiveInfinity;
        for (var i = 0; i < _received.Length; i++)
            if (i != tenant.Index && _waiting[i] > 0) least = Math.Min(least, _received[i]);
        if (double.IsPositiveInfinity(least)) least = _lastLeft;
        if (_received[tenant.Index] >= least) return false;
        _received[tenant.Index] = least;
        return true;
    }
}
