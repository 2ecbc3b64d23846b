using System.Buffers;
using System.Runtime.CompilerServices;

namespace Sluice.Upstreams;

/// <summary>Cuts a stream of server-sent events into events, as soon as their bytes are there and without copying
/// them.</summary>
/// <remarks>Source: WHATWG HTML, section "Server-sent events". Lines end with LF, CR or both; only <c>data</c> and the event
/// name <c>error</c> matter here. Memory is bounded by the largest event allowed.</remarks>
internal sealed class SseReader(Stream stream, int eventBytesMax) : IDisposable
{
    private const int BufferBytes = 8192;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
    private int _next; // first byte of the line under way
    private int _scanned; // up to here that line has no end
    private int _end;
    private int _dataAt = -1; // data of the event under way
    private int _dataLength;
    private bool _skipLineFeed;

    /// <summary>Bytes read so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>The next event that is there already.</summary>
    /// <param name="data">Valid until the next <see cref="FillAsync"/>.</param>
    /// <returns>False if more bytes are needed.</returns>
    public bool TryTake(out ReadOnlyMemory<byte> data)
    {
        while (TryLine(out var at, out var length))
        {
            if (length > 0)
            {
                Take(at, length);
                continue;
            }

            if (_dataAt < 0) continue;
            data = TakeData();
            return true;
        }

        data = default;
        return false;
    }

    /// <summary>Reads what has come.</summary>
    /// <returns>False at the end of the stream.</returns>
    /// <exception cref="InvalidDataException">An event is larger than allowed.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))] // It waits once for each token.
    public async ValueTask<bool> FillAsync(CancellationToken cancel)
    {
        MakeRoom();
        var read = await stream.ReadAsync(_buffer.AsMemory(_end), cancel).ConfigureAwait(false);
        _end += read;
        Bytes += read;
        return read > 0;
    }

    /// <summary>An event that was not closed by an empty line before the stream ended.</summary>
    public bool TryTakeRest(out ReadOnlyMemory<byte> data)
    {
        if (_next < _end) Take(_next, _end - _next);
        _next = _end;
        data = _dataAt < 0 ? default : TakeData();
        return data.Length > 0;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private bool TryLine(out int at, out int length)
    {
        if (_skipLineFeed && _next < _end)
        {
            if (_buffer[_next] == '\n') _next++;
            _scanned = Math.Max(_scanned, _next);
            _skipLineFeed = false;
        }

        (at, length) = (_next, 0);
        var found = _buffer.AsSpan(_scanned, _end - _scanned).IndexOfAny((byte)'\n', (byte)'\r');
        if (found < 0)
        {
            _scanned = _end;
            return false;
        }

        var lineEnd = _scanned + found;
        length = lineEnd - _next;
        _skipLineFeed = _buffer[lineEnd] == '\r';
        _next = _scanned = lineEnd + 1;
        return true;
    }

    private void Take(int at, int length)
    {
        var line = _buffer.AsSpan(at, length);
        if (!line.StartsWith("data:"u8)) return;
        var skip = length > 5 && line[5] == ' ' ? 6 : 5;
        (at, length) = (at + skip, length - skip);
        if (_dataAt < 0)
        {
            (_dataAt, _dataLength) = (at, length);
            return;
        }

        // Another line of the same event: it moves up behind the first, over its own field name.
        var to = _dataAt + _dataLength;
        _buffer[to] = (byte)'\n';
        _buffer.AsSpan(at, length).CopyTo(_buffer.AsSpan(to + 1));
        _dataLength += 1 + length;
    }

    private ReadOnlyMemory<byte> TakeData()
    {
        var data = _buffer.AsMemory(_dataAt, _dataLength);
        _dataAt = -1;
        return data;
    }

    private void MakeRoom()
    {
        var keep = _dataAt >= 0 ? _dataAt : _next;
        var kept = _end - keep;
        if (kept >= eventBytesMax)
            throw new InvalidDataException($"an event of the stream has more than {eventBytesMax:N0} bytes");

        if (kept == 0 || _end == _buffer.Length)
        {
            var target = kept > _buffer.Length / 2 ? ArrayPool<byte>.Shared.Rent(_buffer.Length * 2) : _buffer;
            _buffer.AsSpan(keep, kept).CopyTo(target);
            if (target != _buffer) ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = target;
            (_next, _scanned, _end) = (_next - keep, _scanned - keep, kept);
            if (_dataAt >= 0) _dataAt = 0;
        }
    }
}
