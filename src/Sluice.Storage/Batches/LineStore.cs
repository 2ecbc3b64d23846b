namespace Sluice.Storage;

internal sealed class LineStore(Writer writer, Reader reader) : ILineStore
{
    /// <summary>Results read at a time; a result is some kilobytes.</summary>
    private const int ResultsPage = 500;

    /// <summary>Rows forgotten per transaction, so that other writes do not wait for a big one.</summary>
    private const int PurgeRows = 2000;

    public Task AddAsync(string batch, IReadOnlyList<BatchLine> lines, CancellationToken cancellation) => writer.WriteAsync(
        session =>
        {
            foreach (var line in lines)
            {
                session.Execute(
                    """
                    INSERT INTO batch_lines (batch, line, custom_id, body) VALUES (@p1, @p2, @p3, @p4)
                    ON CONFLICT (batch, line) DO NOTHING
                    """,
                    batch, (long)line.Line, line.CustomId, line.Body);
            }

            return lines.Count;
        },
        cancellation);

    public async Task<IReadOnlyList<BatchLine>> PendingAsync(
        string batch, int after, int limit, CancellationToken cancellation) => await reader.QueryAsync(
            """
            SELECT line, custom_id, body FROM batch_lines WHERE batch = @p1 AND line > @p2 ORDER BY line LIMIT @p3
            """,
            static row => new BatchLine((int)row.GetInt64(0), row.GetString(1), row.Bytes(2)), cancellation,
            batch, (long)after, (long)limit);

    public Task<bool> RecordAsync(string batch, LineResult result, CancellationToken cancellation) => writer.WriteAsync(
        session =>
        {
            // Taking the line away is what lets one result in; the results' primary key holds it from the other side.
            var taken = session.Execute(
                """
                DELETE FROM batch_lines WHERE batch = @p1 AND line = @p2
                    AND EXISTS (SELECT 1 FROM batches WHERE id = @p1 AND status IN ('in_progress', 'cancelling'))
                """,
                batch, (long)result.Line);
            if (taken == 0) return false;

            session.Execute(
                "INSERT INTO batch_results (batch, line, is_error, content) VALUES (@p1, @p2, @p3, @p4)",
                batch, (long)result.Line, result.IsError ? 1L : 0L, result.Content);
            session.Execute(
                """
                UPDATE batches SET lines_completed = lines_completed + @p2, lines_failed = lines_failed + @p3,
                    input_tokens = input_tokens + @p4, cached_tokens = cached_tokens + @p5,
                    output_tokens = output_tokens + @p6, reasoning_tokens = reasoning_tokens + @p7
                WHERE id = @p1
                """,
                batch, result.IsError ? 0L : 1L, result.IsError ? 1L : 0L, result.Usage.Input, result.Usage.Cached,
                result.Usage.Output, result.Usage.Reasoning);
            return true;
        },
        cancellation);

    public IAsyncEnumerable<LineResult> ResultsAsync(string batch, CancellationToken cancellation) => Reader.Pages<LineResult>(
        last => reader.QueryAsync(
            "SELECT line, is_error, content FROM batch_results WHERE batch = @p1 AND line > @p2 ORDER BY line LIMIT @p3",
            static row => new LineResult((int)row.GetInt64(0), row.GetInt64(1) == 1, row.Bytes(2)), cancellation,
            batch, (long)(last?.Line ?? 0), (long)ResultsPage),
        cancellation);

    public async Task PurgeAsync(CancellationToken cancellation)
    {
        foreach (var table in (string[])["batch_lines", "batch_results"])
        {
            var ended = await reader.QueryAsync(
                $"""
                SELECT id FROM batches WHERE status IN ('completed', 'failed', 'expired', 'cancelled')
                    AND EXISTS (SELECT 1 FROM {table} WHERE batch = batches.id)
                """,
                static row => row.GetString(0), cancellation);
            foreach (var batch in ended) await PurgeAsync(table, batch, cancellation);
        }
    }

    private async Task PurgeAsync(string table, string batch, CancellationToken cancellation)
    {
        var deleted = PurgeRows;
        while (deleted == PurgeRows)
        {
            deleted = await writer.WriteAsync(
                session => session.Execute(
                    $"""
                    DELETE FROM {table} WHERE batch = @p1 AND line IN
                        (SELECT line FROM {table} WHERE batch = @p1 ORDER BY line LIMIT @p2)
                    """,
                    batch, (long)PurgeRows),
                cancellation);
        }
    }
}
