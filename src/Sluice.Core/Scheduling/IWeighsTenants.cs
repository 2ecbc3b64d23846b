namespace Sluice.Core;

/// <summary>A scheduler that shares service among tenants.</summary>
public interface IWeighsTenants
{
    /// <summary>A tenant of twice the weight gets twice the service while both want it; 1 for whoever was never given
    /// one.</summary>
    /// <param name="weight">Above 0.</param>
    void SetWeight(TenantId tenant, double weight);
}
