using System.Diagnostics;
using System.Text;
using Sluice.Storage;

namespace Sluice.Benchmarks;

/// <summary>What the durable store takes in, each figure on an empty SQLite file in the folder for temporary files. Every
/// acknowledged write was flushed to that disk, so the figures are the disk's as much as ours.</summary>
public static class StoreFigures
{
    private const int Lines = 50_000;
    private const int Portion = 500; // As the gateway writes them.

    private static readonly byte[] s_body = Encoding.UTF8.GetBytes(
        $$"""{"model":"m","messages":[{"role":"user","content":"{{new string('x', 900)}}"}],"max_tokens":100}""");

    public static IEnumerable<Figure> All()
    {
        yield return new($"batch lines of 1 KB accepted, {Portion} per write [lines/s]", runs =>
            (Rate(Lines, Median(runs, AcceptAsync)), "5,000"));
        yield return new("results of 1 KB recorded, one write each, 256 under way [results/s]", runs =>
            (Rate(Lines / 5, Median(runs, RecordAsync)), ""));
        yield return new("the same, one under way: a flush each [results/s]", runs => (Rate(200, Median(runs, RecordSinglyAsync)), ""));
        yield return new("file of 100 MB uploaded [MB/s]", runs => (Rate(100, Median(runs, UploadAsync)), ""));
        yield return new("bytes allocated meanwhile beside the content [MB]", _ => ($"{UploadAllocations() / 1e6:0.0}", ""));
    }

    private static async Task<TimeSpan> AcceptAsync(Store store)
    {
        await CreateAsync(store);
        var clock = Stopwatch.StartNew();
        for (var first = 1; first <= Lines; first += Portion) await store.Lines.AddAsync("batch_1", LinesFrom(first, Portion), default);
        await store.Batches.StartAsync("batch_1", Lines, "m", 0, default);
        return clock.Elapsed;
    }

    private static async Task<TimeSpan> RecordAsync(Store store)
    {
        await FillAsync(store, Lines / 5);
        var next = 0;
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, 256).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) is var line && line <= Lines / 5) await RecordAsync(store, line);
        })));
        return clock.Elapsed;
    }

    private static async Task<TimeSpan> RecordSinglyAsync(Store store)
    {
        await FillAsync(store, 200);
        var clock = Stopwatch.StartNew();
        for (var line = 1; line <= 200; line++) await RecordAsync(store, line);
        return clock.Elapsed;
    }

    private static async Task<TimeSpan> UploadAsync(Store store)
    {
        var piece = new byte[64 << 10];
        var clock = Stopwatch.StartNew();
        var file = await store.Files.BeginAsync(new("file-1", "t", "batch", "lines.jsonl", 0), default);
        for (var written = 0; written < 100_000_000; written += piece.Length) await file.WriteAsync(piece, default);
        await file.PublishAsync(default);
        return clock.Elapsed;
    }

    private static long UploadAllocations()
    {
        var before = GC.GetTotalAllocatedBytes(precise: true);
        InFreshStore(UploadAsync);
        return GC.GetTotalAllocatedBytes(precise: true) - before;
    }

    private static Task CreateAsync(Store store) => store.Batches.CreateAsync(
        new("batch_1", "t", "/v1/chat/completions", "file-1", "24h", null, null, 0, 86_400), default);

    private static async Task FillAsync(Store store, int lines)
    {
        await CreateAsync(store);
        for (var first = 1; first <= lines; first += Portion) await store.Lines.AddAsync("batch_1", LinesFrom(first, Portion), default);
        await store.Batches.StartAsync("batch_1", lines, "m", 0, default);
    }

    private static async Task RecordAsync(Store store, int line)
    {
        var isRecorded = await store.Lines.RecordAsync("batch_1", new(line, false, s_body), default);
        if (!isRecorded) throw new InvalidOperationException($"line {line} was not recorded");
    }

    private static BatchLine[] LinesFrom(int first, int count) =>
        [.. Enumerable.Range(first, count).Select(line => new BatchLine(line, $"request-{line}", s_body))];

    private static TimeSpan Median(int runs, Func<Store, Task<TimeSpan>> measure) =>
        Enumerable.Range(0, runs).Select(_ => InFreshStore(measure)).Order().ElementAt(runs / 2);

    private static T InFreshStore<T>(Func<Store, Task<T>> measure)
    {
        var folder = Directory.CreateTempSubdirectory("sluice-figures-").FullName;
        try
        {
            return Run().GetAwaiter().GetResult();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        async Task<T> Run()
        {
            await using var store = Store.Open(new StorageOptions(folder));
            return await measure(store);
        }
    }

    private static string Rate(double amount, TimeSpan time) => $"{amount / time.TotalSeconds:N0}";
}
