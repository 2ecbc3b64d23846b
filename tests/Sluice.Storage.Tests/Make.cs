using System.Text;

namespace Sluice.Storage.Tests;

/// <summary>Rows that say only what matters to a case.</summary>
internal static class Make
{
    public static NewFile File(string id = "file-1", string tenant = "t", string purpose = "batch", long created = 100, long? expires = null) =>
        new(id, tenant, purpose, "lines.jsonl", created, expires);

    public static NewBatch Batch(string id = "batch_1", string tenant = "t") =>
        new(id, tenant, "/v1/chat/completions", "file-1", "24h", """{"k":"v"}""", OutputSeconds: 3600, Created: 100, Expires: 86500);

    public static BatchLine Line(int line) => new(line, $"c{line}", Encoding.UTF8.GetBytes($$"""{"line":{{line}}}"""));

    public static IReadOnlyList<BatchLine> Lines(int count) => [.. Enumerable.Range(1, count).Select(Line)];

    public static LineResult Result(int line, bool isError = false, TokenUsage usage = default) =>
        new(line, isError, Encoding.UTF8.GetBytes($"result of {line}"), usage);

    public static async Task<StoredFile> PutAsync(this Store store, NewFile file, byte[] content)
    {
        var writer = await store.Files.BeginAsync(file, CancellationToken.None);
        await writer.WriteAsync(content, CancellationToken.None);
        return await writer.PublishAsync(CancellationToken.None);
    }

    public static async Task<byte[]> ReadAsync(this Store store, StoredFile file)
    {
        using var content = new MemoryStream();
        await using var stream = store.Files.OpenRead(file);
        await stream.CopyToAsync(content);
        return content.ToArray();
    }

    public static async Task<List<T>> ToListAsync<T>(this IAsyncEnumerable<T> items)
    {
        var list = new List<T>();
        await foreach (var item in items) list.Add(item);
        return list;
    }

    /// <summary>A batch in progress with lines 1 to <paramref name="lines"/>.</summary>
    public static async Task StartAsync(this Store store, NewBatch batch, int lines)
    {
        await store.Batches.CreateAsync(batch, CancellationToken.None);
        await store.Lines.AddAsync(batch.Id, Lines(lines), CancellationToken.None);
        await store.Batches.StartAsync(batch.Id, lines, "m", now: 110, CancellationToken.None);
    }
}
