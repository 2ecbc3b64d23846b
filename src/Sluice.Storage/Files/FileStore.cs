using System.Data.Common;

namespace Sluice.Storage;

internal sealed class FileStore(Writer writer, Reader reader) : IFileStore
{
    private const string Columns = "id, tenant, purpose, name, created, expires, bytes, lines";

    public async Task<FileWriter> BeginAsync(NewFile file, CancellationToken cancellation)
    {
        await writer.WriteAsync(
            session => session.Execute(
                """
                INSERT INTO files (id, tenant, purpose, name, bytes, lines, created, expires, is_ready)
                VALUES (@p1, @p2, @p3, @p4, 0, 0, @p5, @p6, 0) ON CONFLICT (id) DO NOTHING
                """,
                file.Id, file.Tenant, file.Purpose, file.Name, file.Created, file.Expires),
            cancellation);
        return new(writer, file);
    }

    public Task<StoredFile?> FindAsync(string tenant, string id, CancellationToken cancellation) => reader.FirstAsync(
        $"SELECT {Columns} FROM files WHERE id = @p1 AND tenant = @p2 AND is_ready = 1", Read, cancellation, id, tenant);

    public async Task<Page<StoredFile>> ListAsync(
        string tenant, string? purpose, PageQuery query, CancellationToken cancellation)
    {
        var rows = await reader.QueryAsync(
            $"""
            SELECT {Columns} FROM files
            WHERE tenant = @p1 AND is_ready = 1 AND (@p2 = '' OR purpose = @p2)
                AND (@p3 = '' OR row {query.Beyond} (SELECT row FROM files WHERE id = @p3 AND tenant = @p1))
            ORDER BY row {query.Order} LIMIT @p4
            """,
            Read, cancellation, tenant, purpose ?? "", query.After ?? "", query.Limit + 1L);
        return Page<StoredFile>.Of(rows, query.Limit);
    }

    public Stream OpenRead(StoredFile file) => new FileContent(reader, file);

    public Task<bool> DeleteAsync(string tenant, string id, CancellationToken cancellation) => writer.WriteAsync(
        session =>
        {
            var deleted = session.Execute("DELETE FROM files WHERE id = @p1 AND tenant = @p2 AND is_ready = 1", id, tenant);
            if (deleted == 1) session.Execute("DELETE FROM file_parts WHERE file = @p1", id);
            return deleted == 1;
        },
        cancellation);

    public async Task<int> SweepAsync(long now, long abandonedBefore, CancellationToken cancellation)
    {
        var ids = await reader.QueryAsync(
            "SELECT id FROM files WHERE expires <= @p1 OR (is_ready = 0 AND created < @p2) ORDER BY row",
            static row => row.GetString(0), cancellation, now, abandonedBefore);
        foreach (var id in ids) await writer.WriteAsync(session => Delete(session, id), cancellation);
        return ids.Count;
    }

    internal static int Delete(ISession session, string id)
    {
        session.Execute("DELETE FROM file_parts WHERE file = @p1", id);
        return session.Execute("DELETE FROM files WHERE id = @p1", id);
    }

    private static StoredFile Read(DbDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetInt64(4), row.NumberOrNull(5),
        row.GetInt64(6), row.GetInt64(7));
}
