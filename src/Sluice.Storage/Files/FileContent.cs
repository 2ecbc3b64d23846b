namespace Sluice.Storage;

/// <summary>Reads a file's parts one after the other, one in memory at a time.</summary>
internal sealed class FileContent(Reader reader, StoredFile file) : Stream
{
    private byte[] _part = [];
    private int _used;
    private long _parts;
    private long _position;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => file.Bytes;

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty || _position == file.Bytes) return 0;
        if (_used == _part.Length)
        {
            _part = await reader.FirstAsync(
                "SELECT content FROM file_parts WHERE file = @p1 AND part = @p2", static row => row.Bytes(0), cancellationToken,
                file.Id, _parts) ?? throw new StorageException($"{file.Id} was deleted while it was read");
            (_used, _parts) = (0, _parts + 1);
        }

        var taken = Math.Min(buffer.Length, _part.Length - _used);
        _part.AsMemory(_used, taken).CopyTo(buffer);
        _used += taken;
        _position += taken;
        return taken;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) =>
        ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
