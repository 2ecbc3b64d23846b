using System.Data.Common;

namespace Sluice.Storage;

internal sealed class BatchStore(Writer writer, Reader reader) : IBatchStore
{
    private const string Columns =
        "id, tenant, endpoint, input_file, completion_window, metadata, output_seconds, created, expires, "
        + "status, model, errors, output_file, error_file, "
        + "in_progress, finalizing, completed, failed, expired, cancelling, cancelled, "
        + "lines_total, lines_completed, lines_failed, input_tokens, cached_tokens, output_tokens, reasoning_tokens";

    public Task CreateAsync(NewBatch batch, CancellationToken cancellation) => writer.WriteAsync(
        session => session.Execute(
            """
            INSERT INTO batches (id, tenant, endpoint, input_file, completion_window, metadata, output_seconds, created, expires,
                status, lines_total, lines_completed, lines_failed, input_tokens, cached_tokens, output_tokens, reasoning_tokens)
            VALUES (@p1, @p2, @p3, @p4, @p5, @p6, @p7, @p8, @p9, 'validating', 0, 0, 0, 0, 0, 0, 0) ON CONFLICT (id) DO NOTHING
            """,
            batch.Id, batch.Tenant, batch.Endpoint, batch.InputFile, batch.CompletionWindow, batch.Metadata,
            batch.OutputSeconds, batch.Created, batch.Expires),
        cancellation);

    public Task<StoredBatch?> FindAsync(string tenant, string id, CancellationToken cancellation) => reader.FirstAsync(
        $"SELECT {Columns} FROM batches WHERE id = @p1 AND tenant = @p2", Read, cancellation, id, tenant);

    public async Task<Page<StoredBatch>> ListAsync(string tenant, PageQuery query, CancellationToken cancellation)
    {
        var rows = await reader.QueryAsync(
            $"""
            SELECT {Columns} FROM batches
            WHERE tenant = @p1
                AND (@p2 = '' OR row {query.Beyond} (SELECT row FROM batches WHERE id = @p2 AND tenant = @p1))
            ORDER BY row {query.Order} LIMIT @p3
            """,
            Read, cancellation, tenant, query.After ?? "", query.Limit + 1L);
        return Page<StoredBatch>.Of(rows, query.Limit);
    }

    public async Task<IReadOnlyList<StoredBatch>> UnfinishedAsync(CancellationToken cancellation) => await reader.QueryAsync(
        $"""
        SELECT {Columns} FROM batches WHERE status IN ('validating', 'in_progress', 'finalizing', 'cancelling') ORDER BY row
        """,
        Read, cancellation);

    public Task<bool> StartAsync(string id, long lines, string? model, long now, CancellationToken cancellation) => ChangeAsync(
        """
        UPDATE batches SET status = 'in_progress', in_progress = @p2, lines_total = @p3, model = @p4
        WHERE id = @p1 AND status = 'validating'
        """,
        cancellation, id, now, lines, model);

    public Task<bool> FailAsync(string id, string errors, long now, CancellationToken cancellation) => ChangeAsync(
        "UPDATE batches SET status = 'failed', failed = @p2, errors = @p3 WHERE id = @p1 AND status = 'validating'",
        cancellation, id, now, errors);

    public Task<StoredBatch?> CancelAsync(string tenant, string id, long now, CancellationToken cancellation) => writer.WriteAsync(
        session =>
        {
            session.Execute(
                """
                UPDATE batches SET status = 'cancelling', cancelling = @p3
                WHERE id = @p1 AND tenant = @p2 AND status IN ('validating', 'in_progress')
                """,
                id, tenant, now);
            return session.Query($"SELECT {Columns} FROM batches WHERE id = @p1 AND tenant = @p2", Read, id, tenant)
                .FirstOrDefault();
        },
        cancellation);

    public Task<bool> FinalizeAsync(string id, long now, CancellationToken cancellation) => ChangeAsync(
        "UPDATE batches SET status = 'finalizing', finalizing = @p2 WHERE id = @p1 AND status = 'in_progress'",
        cancellation, id, now);

    public async Task<bool> FinishAsync(
        string id, BatchStatus end, FileWriter? output, FileWriter? errors, long now, CancellationToken cancellation)
    {
        var status = end.ToText();
        if (!end.IsEnd()) throw new ArgumentOutOfRangeException(nameof(end), end, "a batch finishes in an end state");
        if (output is not null) await output.SealAsync(cancellation);
        if (errors is not null) await errors.SealAsync(cancellation);
        return await writer.WriteAsync(
            session =>
            {
                var changed = session.Execute(
                    $"""
                    UPDATE batches SET status = @p2, {status} = @p3, output_file = @p4, error_file = @p5,
                        lines_failed = CASE WHEN in_progress IS NULL THEN 0
                            ELSE lines_failed + (SELECT COUNT(*) FROM batch_lines WHERE batch = @p1) END
                    WHERE id = @p1 AND status IN ('finalizing', 'cancelling')
                    """,
                    id, status, now, output?.Id, errors?.Id);
                if (changed == 0) return false;
                output?.Publish(session);
                errors?.Publish(session);
                return true;
            },
            cancellation);
    }

    private async Task<bool> ChangeAsync(string sql, CancellationToken cancellation, params object?[] values) =>
        await writer.WriteAsync(session => session.Execute(sql, values), cancellation) == 1;

    private static StoredBatch Read(DbDataReader row) => new(
        new(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.TextOrNull(5),
            row.NumberOrNull(6), row.GetInt64(7), row.GetInt64(8)),
        BatchStatuses.Parse(row.GetString(9)), row.TextOrNull(10), row.TextOrNull(11), row.TextOrNull(12), row.TextOrNull(13),
        new(row.NumberOrNull(14), row.NumberOrNull(15), row.NumberOrNull(16), row.NumberOrNull(17), row.NumberOrNull(18),
            row.NumberOrNull(19), row.NumberOrNull(20)),
        new(row.GetInt64(21), row.GetInt64(22), row.GetInt64(23)),
        new(row.GetInt64(24), row.GetInt64(25), row.GetInt64(26), row.GetInt64(27)));
}
