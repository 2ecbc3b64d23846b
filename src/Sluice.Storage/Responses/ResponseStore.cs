using System.Data.Common;

namespace Sluice.Storage;

internal sealed class ResponseStore(Writer writer, Reader reader) : IResponseStore
{
    private const int UnfinishedPage = 100;
    private const string Columns = "id, tenant, endpoint, request, response, is_finished, created, expires";

    public Task AcceptAsync(StoredResponse response, CancellationToken cancellation) => writer.WriteAsync(
        session => session.Execute(
            """
            INSERT INTO responses (id, tenant, endpoint, request, response, is_finished, created, expires)
            VALUES (@p1, @p2, @p3, @p4, @p5, @p6, @p7, @p8) ON CONFLICT (id) DO NOTHING
            """,
            response.Id, response.Tenant, response.Endpoint, response.Request, response.Response,
            response.IsFinished ? 1L : 0L, response.Created, response.Expires),
        cancellation);

    public async Task<bool> FinishAsync(string id, byte[] response, CancellationToken cancellation) =>
        await writer.WriteAsync(
            session => session.Execute(
                "UPDATE responses SET is_finished = 1, response = @p2 WHERE id = @p1 AND is_finished = 0", id, response),
            cancellation) == 1;

    public Task<StoredResponse?> FindAsync(string tenant, string id, CancellationToken cancellation) => reader.FirstAsync(
        $"SELECT {Columns} FROM responses WHERE id = @p1 AND tenant = @p2", Read, cancellation, id, tenant);

    public async Task<bool> DeleteAsync(string tenant, string id, CancellationToken cancellation) =>
        await writer.WriteAsync(
            session => session.Execute("DELETE FROM responses WHERE id = @p1 AND tenant = @p2", id, tenant), cancellation) == 1;

    public IAsyncEnumerable<StoredResponse> UnfinishedAsync(CancellationToken cancellation) => Reader.Pages<StoredResponse>(
        last => reader.QueryAsync(
            $"""
            SELECT {Columns} FROM responses
            WHERE is_finished = 0 AND row > COALESCE((SELECT row FROM responses WHERE id = @p1), 0) ORDER BY row LIMIT @p2
            """,
            Read, cancellation, last?.Id ?? "", (long)UnfinishedPage),
        cancellation);

    public Task<int> SweepAsync(long now, CancellationToken cancellation) => writer.WriteAsync(
        session => session.Execute("DELETE FROM responses WHERE expires <= @p1", now), cancellation);

    private static StoredResponse Read(DbDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), row.Bytes(3), row.IsDBNull(4) ? null : row.Bytes(4),
        row.GetInt64(5) == 1, row.GetInt64(6), row.NumberOrNull(7));
}
