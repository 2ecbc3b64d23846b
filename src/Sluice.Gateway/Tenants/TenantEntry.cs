using Sluice.Core;
using Sluice.Storage;

namespace Sluice.Gateway;

/// <summary>A tenant as the running gateway knows it.</summary>
/// <param name="Number">Given once per run of the gateway, and never to another.</param>
internal sealed record TenantEntry(Tenant Tenant, TenantId Number, TenantLimits Limits, TenantUsage Usage);

/// <summary>What a tenant had since the gateway started.</summary>
internal sealed class TenantUsage
{
    private long _requests, _input, _output;

    public (long Requests, long Input, long Output) Now =>
        (Interlocked.Read(ref _requests), Interlocked.Read(ref _input), Interlocked.Read(ref _output));

    public void Add(int input, int output)
    {
        Interlocked.Increment(ref _requests);
        Interlocked.Add(ref _input, input);
        Interlocked.Add(ref _output, output);
    }
}

/// <summary>A caller whose tokens are counted.</summary>
/// <param name="Reserved">Tokens taken from its limit when it came.</param>
/// <param name="IsLimited">Its tokens count against the tenant's limit, not only in its usage.</param>
internal sealed record TenantCaller(TenantEntry Entry, IReadOnlyList<string>? Classes, long Reserved, bool IsLimited = true)
    : Caller(Entry.Number, Entry.Tenant.Id, Entry.Tenant.ServiceClass, Classes);
