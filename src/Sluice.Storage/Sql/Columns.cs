using System.Data.Common;

namespace Sluice.Storage;

internal static class Columns
{
    public static long? NumberOrNull(this DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt64(column);

    public static string? TextOrNull(this DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    public static byte[] Bytes(this DbDataReader row, int column) => (byte[])row.GetValue(column);
}
