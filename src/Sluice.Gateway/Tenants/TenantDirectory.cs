using System.Collections.Frozen;
using System.Security.Cryptography;
using Sluice.Core;
using Sluice.Storage;

namespace Sluice.Gateway;

/// <summary>Tenants and keys, as the store has them, ready to be looked up by every request.</summary>
/// <remarks>Changes go to the store first, and are seen by requests that come after.</remarks>
public sealed class TenantDirectory : IDisposable
{
    private readonly ITenantStore _store;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _change = new(1, 1);
    private readonly Dictionary<string, TenantEntry> _everybody = new(StringComparer.Ordinal);
    private volatile Snapshot _now = Snapshot.Empty;

    private TenantDirectory(ITenantStore store, TimeProvider time) => (_store, _time) = (store, time);

    /// <summary>Nobody has a key: everybody is let in. Once somebody has one in this run, it stays closed.</summary>
    public bool IsOpen { get; private set; } = true;

    internal IReadOnlyCollection<TenantEntry> All => _now.ById.Values;

    internal IReadOnlyList<ApiKey> Keys => _now.Keys;

    /// <summary>Told of each tenant's weight, at first and when it changes.</summary>
    internal Func<TenantId, double, Task>? WeightChanged { get; set; }

    public static async Task<TenantDirectory> LoadAsync(ITenantStore store, TimeProvider? time = null, CancellationToken cancel = default)
    {
        var directory = new TenantDirectory(store, time ?? TimeProvider.System);
        await directory.ReloadAsync(cancel);
        return directory;
    }

    /// <summary>The caller of a tenant's name, for batch lines: they count in its usage, and have the batch's window instead of
    /// its limits.</summary>
    public Caller CallerOf(string tenant) =>
        _now.ById.TryGetValue(tenant, out var entry)
            ? new TenantCaller(entry, null, Reserved: 0, IsLimited: false)
            : new Caller(Caller.Anybody.Tenant, tenant);

    public void Dispose() => _change.Dispose();

    /// <summary>Compares all of the hash, whatever the outcome: the time it takes says nothing of how much was right.</summary>
    internal TenantEntry? Find(ReadOnlySpan<char> key)
    {
        if (key.Length is 0 or > ApiKeys.LengthMax) return null;
        var hash = ApiKeys.HashOf(key);
        if (!_now.ByHash.TryGetValue(ApiKeys.BucketOf(hash), out var candidates)) return null;
        TenantEntry? found = null;
        foreach (var (candidate, entry) in candidates)
            if (CryptographicOperations.FixedTimeEquals(candidate, hash)) found = entry;
        return found;
    }

    internal Task PutTenantAsync(Tenant tenant, CancellationToken cancel) =>
        ChangeAsync(() => _store.PutTenantAsync(tenant, cancel), cancel);

    /// <summary>Makes or changes the tenants of a configuration and adds the keys they have there. What is not in it stays: a tenant is
    /// deleted, and a key revoked, by the admin API.</summary>
    /// <param name="variable">Reads an environment variable.</param>
    /// <returns>What was done, a line each.</returns>
    public async Task<IReadOnlyList<string>> TakeAsync(
        IReadOnlyList<TenantSpec> specs, Func<string, string?> variable, CancellationToken cancel = default)
    {
        var said = new List<string>();
        foreach (var spec in specs)
        {
            await PutTenantAsync(
                new(spec.Id, spec.Weight, spec.RequestsPerMinute, spec.TokensPerMinute, spec.Class, _time.UnixSeconds()), cancel);
            var keys = 0;
            foreach (var key in spec.Keys)
            {
                if (key.Hash(variable) is not { } hash)
                {
                    said.Add($"tenant {spec.Id}: key '{key.Name}': the variable {key.Variable} holds no key");
                    continue;
                }

                // The id says which key it is: one that is there, or was revoked, is not added again.
                var hex = Convert.ToHexStringLower(hash);
                var entry = new ApiKey($"key_{hex[..24]}", spec.Id, key.Name, hash, $"sha256 {hex[..6]}…", _time.UnixSeconds());
                await ChangeAsync(() => _store.AddKeyAsync(entry, cancel), cancel);
                keys++;
            }

            said.Add($"tenant {spec.Id}: in use, {keys} {(keys == 1 ? "key" : "keys")}");
        }

        return said;
    }

    internal async Task<bool> DeleteTenantAsync(string id, CancellationToken cancel)
    {
        var isDeleted = false;
        await ChangeAsync(async () => isDeleted = await _store.DeleteTenantAsync(id, cancel), cancel);
        return isDeleted;
    }

    /// <returns>The key, which nobody can read again.</returns>
    internal async Task<(ApiKey Key, string Secret)> AddKeyAsync(string tenant, string name, CancellationToken cancel)
    {
        var secret = ApiKeys.New();
        var key = new ApiKey(
            "key_" + Ids.Random(), tenant, name, ApiKeys.HashOf(secret), ApiKeys.HintOf(secret), _time.UnixSeconds());
        await ChangeAsync(() => _store.AddKeyAsync(key, cancel), cancel);
        return (key, secret);
    }

    internal async Task<bool> RevokeKeyAsync(string id, CancellationToken cancel)
    {
        var isRevoked = false;
        await ChangeAsync(async () => isRevoked = await _store.RevokeKeyAsync(id, _time.UnixSeconds(), cancel), cancel);
        return isRevoked;
    }

    internal async Task TellWeightsAsync()
    {
        if (WeightChanged is not { } changed) return;
        foreach (var entry in _now.ById.Values) await changed(entry.Number, entry.Tenant.Weight);
    }

    private async Task ChangeAsync(Func<Task> change, CancellationToken cancel)
    {
        await _change.WaitAsync(cancel);
        try
        {
            await change();
            await ReloadAsync(cancel);
        }
        finally
        {
            _change.Release();
        }

        await TellWeightsAsync();
    }

    private async Task ReloadAsync(CancellationToken cancel)
    {
        var tenants = await _store.TenantsAsync(cancel);
        var keys = await _store.KeysAsync(cancel);
        var entries = tenants.Select(EntryOf).ToFrozenDictionary(e => e.Tenant.Id, StringComparer.Ordinal);
        var byHash = keys
            .Where(k => k.Revoked is null && entries.ContainsKey(k.Tenant))
            .GroupBy(k => ApiKeys.BucketOf(k.Hash))
            .ToFrozenDictionary(g => g.Key, g => g.Select(k => (k.Hash, entries[k.Tenant])).ToArray());
        _now = new(entries, byHash, keys);
        IsOpen &= tenants.Count == 0 && keys.Count == 0;
    }

    /// <summary>Keeps a tenant's number and counts over changes, and its limits while they are the same.</summary>
    private TenantEntry EntryOf(Tenant tenant)
    {
        var known = _everybody.GetValueOrDefault(tenant.Id);
        var limits = known is not null && known.Limits.IsOf(tenant.RequestsPerMinute, tenant.TokensPerMinute)
            ? known.Limits
            : new(tenant.RequestsPerMinute, tenant.TokensPerMinute, _time);
        var entry = new TenantEntry(tenant, known?.Number ?? new(_everybody.Count + 1), limits, known?.Usage ?? new());
        _everybody[tenant.Id] = entry;
        return entry;
    }

    private sealed record Snapshot(
        FrozenDictionary<string, TenantEntry> ById, FrozenDictionary<ulong, (byte[] Hash, TenantEntry Entry)[]> ByHash,
        IReadOnlyList<ApiKey> Keys)
    {
        public static Snapshot Empty { get; } = new(
            FrozenDictionary<string, TenantEntry>.Empty, FrozenDictionary<ulong, (byte[], TenantEntry)[]>.Empty, []);
    }
}
