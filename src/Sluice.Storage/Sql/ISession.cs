using System.Data.Common;

namespace Sluice.Storage;

/// <summary>One connection that writes. Used by the writer's thread only.</summary>
internal interface ISession : IDisposable
{
    /// <param name="values">Of @p1, @p2, …: long, double, string, byte[] or null.</param>
    /// <returns>Rows that changed.</returns>
    int Execute(string sql, params ReadOnlySpan<object?> values);

    List<T> Query<T>(string sql, Func<DbDataReader, T> read, params ReadOnlySpan<object?> values);
}
