namespace Sluice.Storage;

/// <param name="Tenant">Who may see it.</param>
/// <param name="Name">As the client gave it: a label, never a path.</param>
/// <param name="Created">Unix seconds.</param>
/// <param name="Expires">Unix seconds; null for never.</param>
public sealed record NewFile(string Id, string Tenant, string Purpose, string Name, long Created, long? Expires = null);

/// <param name="Bytes">Length of the content.</param>
/// <param name="Lines">Lines of the content, the last one counted whether or not it ends with a line feed.</param>
public sealed record StoredFile(
    string Id, string Tenant, string Purpose, string Name, long Created, long? Expires, long Bytes, long Lines);

/// <summary>Uploaded and produced files. Content passes through in parts: memory stays bounded whatever the size.</summary>
public interface IFileStore
{
    /// <summary>A file to be written; nobody sees it before <see cref="FileWriter.PublishAsync"/>.</summary>
    Task<FileWriter> BeginAsync(NewFile file, CancellationToken cancellation);

    Task<StoredFile?> FindAsync(string tenant, string id, CancellationToken cancellation);

    /// <param name="purpose">Null for any.</param>
    Task<Page<StoredFile>> ListAsync(string tenant, string? purpose, PageQuery query, CancellationToken cancellation);

    /// <summary>Content from its beginning. Reading fails with a <see cref="StorageException"/> when the file is deleted
    /// meanwhile.</summary>
    Stream OpenRead(StoredFile file);

    /// <returns>False if the tenant has no such file.</returns>
    Task<bool> DeleteAsync(string tenant, string id, CancellationToken cancellation);

    /// <summary>Deletes what has expired, and what was begun before <paramref name="abandonedBefore"/> and never
    /// published.</summary>
    /// <returns>Files deleted.</returns>
    Task<int> SweepAsync(long now, long abandonedBefore, CancellationToken cancellation);
}
