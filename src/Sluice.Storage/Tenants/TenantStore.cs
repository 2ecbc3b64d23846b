namespace Sluice.Storage;

internal sealed class TenantStore(Writer writer, Reader reader) : ITenantStore
{
    public async Task<IReadOnlyList<Tenant>> TenantsAsync(CancellationToken cancellation) => await reader.QueryAsync(
        "SELECT id, weight, requests_per_minute, tokens_per_minute, service_class, created FROM tenants ORDER BY row",
        static row => new Tenant(
            row.GetString(0), row.GetDouble(1), row.NumberOrNull(2), row.NumberOrNull(3), row.TextOrNull(4), row.GetInt64(5)),
        cancellation);

    public Task PutTenantAsync(Tenant tenant, CancellationToken cancellation) => writer.WriteAsync(
        session => session.Execute(
            """
            INSERT INTO tenants (id, weight, requests_per_minute, tokens_per_minute, service_class, created)
            VALUES (@p1, @p2, @p3, @p4, @p5, @p6)
            ON CONFLICT (id) DO UPDATE SET weight = excluded.weight, requests_per_minute = excluded.requests_per_minute,
                tokens_per_minute = excluded.tokens_per_minute, service_class = excluded.service_class
            """,
            tenant.Id, tenant.Weight, tenant.RequestsPerMinute, tenant.TokensPerMinute, tenant.ServiceClass, tenant.Created),
        cancellation);

    public Task<bool> DeleteTenantAsync(string id, CancellationToken cancellation) => writer.WriteAsync(
        session =>
        {
            session.Execute("DELETE FROM api_keys WHERE tenant = @p1", id);
            return session.Execute("DELETE FROM tenants WHERE id = @p1", id) == 1;
        },
        cancellation);

    public async Task<IReadOnlyList<ApiKey>> KeysAsync(CancellationToken cancellation) => await reader.QueryAsync(
        "SELECT id, tenant, name, hash, hint, created, revoked FROM api_keys ORDER BY row",
        static row => new ApiKey(
            row.GetString(0), row.GetString(1), row.GetString(2), row.Bytes(3), row.GetString(4), row.GetInt64(5),
            row.NumberOrNull(6)),
        cancellation);

    public Task AddKeyAsync(ApiKey key, CancellationToken cancellation) => writer.WriteAsync(
        session => session.Execute(
            """
            INSERT INTO api_keys (id, tenant, name, hash, hint, created) VALUES (@p1, @p2, @p3, @p4, @p5, @p6)
            ON CONFLICT (id) DO NOTHING
            """,
            key.Id, key.Tenant, key.Name, key.Hash, key.Hint, key.Created),
        cancellation);

    public async Task<bool> RevokeKeyAsync(string id, long now, CancellationToken cancellation) =>
        await writer.WriteAsync(
            session => session.Execute("UPDATE api_keys SET revoked = @p2 WHERE id = @p1 AND revoked IS NULL", id, now),
            cancellation) == 1;
}
