using System.Data.Common;
using System.Runtime.CompilerServices;

namespace Sluice.Storage;

/// <summary>Reads beside the writer, each on a connection of its own.</summary>
internal sealed class Reader(IDatabase database)
{
    public async Task<List<T>> QueryAsync<T>(
        string sql, Func<DbDataReader, T> read, CancellationToken cancellation, params object?[] values)
    {
        try
        {
            await using var connection = await database.OpenReaderAsync(cancellation);
            await using var command = connection.CreateCommand();
            command.CommandText = sql;
            AdoSession.Bind(command, values);
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            var rows = new List<T>();
            while (await reader.ReadAsync(cancellation)) rows.Add(read(reader));
            return rows;
        }
        catch (DbException e)
        {
            throw new StorageException($"cannot read from {database.Where}: {e.Message}", e);
        }
    }

    public async Task<T?> FirstAsync<T>(
        string sql, Func<DbDataReader, T> read, CancellationToken cancellation, params object?[] values)
        where T : class
    {
        var rows = await QueryAsync(sql, read, cancellation, values);
        return rows.Count == 0 ? null : rows[0];
    }

    /// <summary>Walks rows in pages, so that neither memory nor a snapshot is held for long.</summary>
    /// <param name="page">Reads the rows after a row; null for the first page. An empty page ends the walk.</param>
    public static async IAsyncEnumerable<T> Pages<T>(
        Func<T?, Task<List<T>>> page, [EnumeratorCancellation] CancellationToken cancellation)
        where T : class
    {
        T? last = null;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var rows = await page(last);
            if (rows.Count == 0) yield break;
            foreach (var row in rows) yield return row;
            last = rows[^1];
        }
    }
}
