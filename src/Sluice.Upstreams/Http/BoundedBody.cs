using System.Buffers;

namespace Sluice.Upstreams;

/// <summary>A whole body in a pooled buffer.</summary>
internal sealed class BoundedBody : IDisposable
{
    private const int FirstBytes = 16 << 10;

    private byte[] _buffer;
    private int _length;

    private BoundedBody(int bytes) => _buffer = ArrayPool<byte>.Shared.Rent(bytes);

    public ReadOnlyMemory<byte> Memory => _buffer.AsMemory(0, _length);

    /// <exception cref="InvalidDataException">It has more bytes than allowed, or is compressed, which nobody asked
    /// for.</exception>
    public static async Task<BoundedBody> ReadAsync(HttpContent content, long bytesMax, CancellationToken cancel)
    {
        RefuseEncoded(content);
        var announced = content.Headers.ContentLength ?? FirstBytes;
        if (announced > bytesMax) throw new InvalidDataException($"an answer of {announced:N0} bytes, at most {bytesMax:N0} allowed");

        // One byte more than announced: the read that finds the end needs room.
        var body = new BoundedBody((int)Math.Min(announced + 1, FirstBytes));
        try
        {
            using var stream = await content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
            while (true)
            {
                if (body._length == body._buffer.Length) body.Grow();
                var read = await stream.ReadAsync(body._buffer.AsMemory(body._length), cancel).ConfigureAwait(false);
                if (read == 0) return body;
                body._length += read;
                if (body._length > bytesMax) throw new InvalidDataException($"an answer of more than {bytesMax:N0} bytes");
            }
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    /// <summary>The first bytes of a body, for a message.</summary>
    public static async Task<string> HeadAsync(HttpContent content, int bytesMax, CancellationToken cancel)
    {
        RefuseEncoded(content);
        using var stream = await content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
        var head = new byte[bytesMax];
        var read = await stream.ReadAtLeastAsync(head, bytesMax, throwOnEndOfStream: false, cancel).ConfigureAwait(false);
        return System.Text.Encoding.UTF8.GetString(head, 0, read);
    }

    public static void RefuseEncoded(HttpContent content)
    {
        foreach (var encoding in content.Headers.ContentEncoding)
            if (encoding != "identity") throw new InvalidDataException($"an answer encoded as {encoding}, which nobody asked for");
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        (_buffer, _length) = ([], 0);
    }

    private void Grow()
    {
        var larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
        Memory.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
