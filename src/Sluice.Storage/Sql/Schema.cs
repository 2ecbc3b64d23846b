namespace Sluice.Storage;

/// <summary>The tables. Times are Unix seconds; flags are 0 or 1.</summary>
internal static class Schema
{
    /// <summary>Raised when a table changes; a store of a later version is refused.</summary>
    public const long Version = 1;

    /// <exception cref="StorageException">The data was written by a later version.</exception>
    public static void Prepare(IDatabase database, ISession session)
    {
        session.Execute(database.Begin);
        session.Execute("CREATE TABLE IF NOT EXISTS sluice_schema (version BIGINT NOT NULL)");
        var version = session.Query("SELECT version FROM sluice_schema", static row => row.GetInt64(0));
        if (version.Count > 0 && version[0] > Version)
        {
            session.Execute("ROLLBACK");
            throw new StorageException(
                $"{database.Where} has format {version[0]} of a later Sluice; this one reads up to {Version}. Use the later one");
        }

        foreach (var table in Tables(database)) session.Execute(table);
        if (version.Count == 0) session.Execute("INSERT INTO sluice_schema (version) VALUES (@p1)", Version);
        session.Execute("COMMIT");
    }

    private static string[] Tables(IDatabase database) =>
    [
        $"""
        CREATE TABLE IF NOT EXISTS files (
            row {database.RowNumber}, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL, purpose TEXT NOT NULL, name TEXT NOT NULL,
            bytes BIGINT NOT NULL, lines BIGINT NOT NULL, created BIGINT NOT NULL, expires BIGINT, is_ready BIGINT NOT NULL)
        """,
        "CREATE INDEX IF NOT EXISTS files_of_tenant ON files (tenant, row)",
        $"""
        CREATE TABLE IF NOT EXISTS file_parts (
            file TEXT NOT NULL, part BIGINT NOT NULL, content {database.Bytes} NOT NULL, PRIMARY KEY (file, part))
        """,
        $"""
        CREATE TABLE IF NOT EXISTS batches (
            row {database.RowNumber}, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL, endpoint TEXT NOT NULL,
            input_file TEXT NOT NULL, completion_window TEXT NOT NULL, metadata TEXT, output_seconds BIGINT,
            status TEXT NOT NULL, model TEXT, errors TEXT, output_file TEXT, error_file TEXT,
            created BIGINT NOT NULL, expires BIGINT NOT NULL, in_progress BIGINT, finalizing BIGINT, completed BIGINT,
            failed BIGINT, expired BIGINT, cancelling BIGINT, cancelled BIGINT,
            lines_total BIGINT NOT NULL, lines_completed BIGINT NOT NULL, lines_failed BIGINT NOT NULL,
            input_tokens BIGINT NOT NULL, cached_tokens BIGINT NOT NULL,
            output_tokens BIGINT NOT NULL, reasoning_tokens BIGINT NOT NULL)
        """,
        "CREATE INDEX IF NOT EXISTS batches_of_tenant ON batches (tenant, row)",
        $"""
        CREATE TABLE IF NOT EXISTS batch_lines (
            batch TEXT NOT NULL, line BIGINT NOT NULL, custom_id TEXT NOT NULL, body {database.Bytes} NOT NULL,
            PRIMARY KEY (batch, line))
        """,
        $"""
        CREATE TABLE IF NOT EXISTS batch_results (
            batch TEXT NOT NULL, line BIGINT NOT NULL, is_error BIGINT NOT NULL, content {database.Bytes} NOT NULL,
            PRIMARY KEY (batch, line))
        """,
        $"""
        CREATE TABLE IF NOT EXISTS tenants (
            row {database.RowNumber}, id TEXT NOT NULL UNIQUE, weight DOUBLE PRECISION NOT NULL,
            requests_per_minute BIGINT, tokens_per_minute BIGINT, service_class TEXT, created BIGINT NOT NULL)
        """,
        $"""
        CREATE TABLE IF NOT EXISTS api_keys (
            row {database.RowNumber}, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL, name TEXT NOT NULL,
            hash {database.Bytes} NOT NULL, hint TEXT NOT NULL, created BIGINT NOT NULL, revoked BIGINT)
        """,
        $"""
        CREATE TABLE IF NOT EXISTS responses (
            row {database.RowNumber}, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL, endpoint TEXT NOT NULL,
            is_finished BIGINT NOT NULL, created BIGINT NOT NULL, expires BIGINT, request {database.Bytes} NOT NULL,
            response {database.Bytes})
        """,
        "CREATE INDEX IF NOT EXISTS responses_unfinished ON responses (is_finished, row)",
        Owner.Table,
    ];
}
