namespace Sluice.Storage;

/// <summary>Writes one file, part by part; each part is durable before the next is taken. Not thread-safe.</summary>
public sealed class FileWriter
{
    /// <summary>Bytes held per file that is written or read.</summary>
    internal const int PartBytes = 512 * 1024;

    private readonly Writer _writer;
    private readonly byte[] _part = new byte[PartBytes];
    private int _used;
    private long _parts;
    private bool _endsLine = true;

    internal FileWriter(Writer writer, NewFile file) => (_writer, File) = (writer, file);

    /// <summary>All but its id, tenant and time of creation may change until the file is published.</summary>
    public NewFile File { get; set; }

    public string Id => File.Id;

    public long Bytes { get; private set; }

    /// <summary>Lines so far, see <see cref="StoredFile.Lines"/>.</summary>
    public long Lines { get; private set; }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        if (content.IsEmpty) return;
        Bytes += content.Length;
        Lines += content.Span.Count((byte)'\n') + (_endsLine ? 1 : 0) - (content.Span[^1] == '\n' ? 1 : 0);
        _endsLine = content.Span[^1] == '\n';

        while (!content.IsEmpty)
        {
            var taken = Math.Min(content.Length, PartBytes - _used);
            content[..taken].CopyTo(_part.AsMemory(_used));
            content = content[taken..];
            _used += taken;
            if (_used == PartBytes) await FlushAsync(cancellation);
        }
    }

    /// <summary>Makes the file visible; it is whole and durable then.</summary>
    public async Task<StoredFile> PublishAsync(CancellationToken cancellation)
    {
        await SealAsync(cancellation);
        await _writer.WriteAsync(Publish, cancellation);
        return new(File.Id, File.Tenant, File.Purpose, File.Name, File.Created, File.Expires, Bytes, Lines);
    }

    /// <summary>Deletes what was written.</summary>
    public Task AbandonAsync() => _writer.WriteAsync(session => FileStore.Delete(session, File.Id), CancellationToken.None);

    /// <summary>Writes what is left in the buffer; the file can be published by whoever finishes the batch it belongs
    /// to.</summary>
    internal Task SealAsync(CancellationToken cancellation) => _used > 0 ? FlushAsync(cancellation) : Task.CompletedTask;

    internal int Publish(ISession session) => session.Execute(
        "UPDATE files SET bytes = @p2, lines = @p3, purpose = @p4, name = @p5, expires = @p6, is_ready = 1 WHERE id = @p1",
        File.Id, Bytes, Lines, File.Purpose, File.Name, File.Expires);

    private async Task FlushAsync(CancellationToken cancellation)
    {
        var content = _used == PartBytes ? _part : _part[.._used];
        var part = _parts;
        await _writer.WriteAsync(
            session => session.Execute(
                "INSERT INTO file_parts (file, part, content) VALUES (@p1, @p2, @p3) ON CONFLICT (file, part) DO NOTHING",
                File.Id, part, content),
            cancellation);
        (_parts, _used) = (part + 1, 0);
    }
}
