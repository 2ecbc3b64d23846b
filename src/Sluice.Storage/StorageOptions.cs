namespace Sluice.Storage;

/// <summary>Where the durable queue lives.</summary>
/// <param name="Folder">Folder of the SQLite file; made when it is missing.</param>
/// <param name="Postgres">Connection string of a PostgreSQL server; null for SQLite.</param>
public sealed record StorageOptions(string Folder, string? Postgres = null);
