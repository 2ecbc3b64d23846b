using System.Data.Common;

namespace Sluice.Storage;

/// <summary>A session over one ADO.NET connection that keeps its prepared statements.</summary>
internal sealed class AdoSession(DbConnection connection) : ISession
{
    private readonly Dictionary<string, DbCommand> _commands = [];

    public int Execute(string sql, params ReadOnlySpan<object?> values) => CommandFor(sql, values).ExecuteNonQuery();

    public List<T> Query<T>(string sql, Func<DbDataReader, T> read, params ReadOnlySpan<object?> values)
    {
        using var reader = CommandFor(sql, values).ExecuteReader();
        var rows = new List<T>();
        while (reader.Read()) rows.Add(read(reader));
        return rows;
    }

    public void Dispose()
    {
        foreach (var command in _commands.Values) command.Dispose();
        connection.Dispose();
    }

    /// <summary>Fills @p1, @p2, … of a command.</summary>
    internal static void Bind(DbCommand command, ReadOnlySpan<object?> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if (i == command.Parameters.Count)
            {
                var parameter = command.CreateParameter();
                parameter.ParameterName = $"p{i + 1}";
                command.Parameters.Add(parameter);
            }

            command.Parameters[i].Value = values[i] ?? DBNull.Value;
        }
    }

    private DbCommand CommandFor(string sql, ReadOnlySpan<object?> values)
    {
        if (!_commands.TryGetValue(sql, out var command))
        {
            command = connection.CreateCommand();
            command.CommandText = sql;
            _commands.Add(sql, command);
        }

        Bind(command, values);
        return command;
    }
}
