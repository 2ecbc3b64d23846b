using System.Buffers;
using System.IO.Pipelines;

namespace Sluice.Gateway;

/// <summary>Lines of a file, one in memory at a time.</summary>
internal static class LineReader
{
    /// <summary>Yields each line without its end, numbered from 1; a line over the limit comes as null, and ends the file.</summary>
    public static async IAsyncEnumerable<(int Number, ReadOnlyMemory<byte>? Line)> ReadAsync(
        Stream content, int bytesMax, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        var reader = PipeReader.Create(content, new(bufferSize: 64 << 10));
        try
        {
            for (var number = 1; ;)
            {
                var result = await reader.ReadAsync(cancel);
                var buffer = result.Buffer;
                while (buffer.PositionOf((byte)'\n') is { } end)
                {
                    var line = buffer.Slice(0, end);
                    if (line.Length > bytesMax) break;
                    buffer = buffer.Slice(buffer.GetPosition(1, end));
                    yield return (number++, WithoutReturn(line));
                }

                if (buffer.Length > bytesMax)
                {
                    yield return (number, null);
                    yield break;
                }

                if (result.IsCompleted)
                {
                    if (!buffer.IsEmpty) yield return (number, WithoutReturn(buffer));
                    yield break;
                }

                reader.AdvanceTo(buffer.Start, buffer.End);
            }
        }
        finally
        {
            await reader.CompleteAsync();
        }
    }

    /// <summary>A copy, because it outlives the buffer.</summary>
    private static ReadOnlyMemory<byte> WithoutReturn(in ReadOnlySequence<byte> line)
    {
        var copy = line.ToArray();
        return copy.Length > 0 && copy[^1] == '\r' ? copy.AsMemory(0, copy.Length - 1) : copy;
    }
}
