using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Sluice.Gateway;
using Sluice.Storage;

namespace Sluice.Benchmarks;

/// <summary>How the queue in front of the demo fleet is run.</summary>
/// <param name="Places">Requests an engine may have at once; null for as many as it runs at once.</param>
internal sealed record MixedSetup(string Name, string System, int? Places)
{
    public IReadOnlyList<EngineSpec> Fleet { get; init; } = EngineFactory.DemoFleet;

    /// <summary>The gateway as it comes.</summary>
    public static MixedSetup Sluice { get; } = new("sluice (qlm)", "qlm", null);

    /// <summary>What a proxy does that hands everything on: each request goes to the engine with the fewest at once, and waits in
    /// that engine's own queue, first come, first served.</summary>
    public static MixedSetup PassThrough { get; } = new("FCFS pass-through", "vllm-v1", 4096);

    public bool IsPassThrough => Places is not null;
}

/// <summary>What came of the traffic, as its callers saw it.</summary>
/// <param name="Chats">Sent.</param>
/// <param name="InTime">Chats whose first token came within the promise.</param>
/// <param name="Refused">Chats that were answered with an error.</param>
/// <param name="TtftP50">Of those that got a token.</param>
/// <param name="BatchTime">From the first line's arrival in the queue to the last one's end, as the journal has them.</param>
/// <param name="Journal">A line per request, for replays.</param>
internal sealed record MixedOutcome(
    MixedSetup Setup, int Chats, int InTime, int Refused, TimeSpan TtftP50, TimeSpan TtftP99, int Lines, TimeSpan BatchTime,
    string Journal)
{
    public double Attainment => Chats == 0 ? 1 : InTime / (double)Chats;
    public double LinesPerSecond => Lines / BatchTime.TotalSeconds;
}

/// <summary>The real gateway with the demo fleet and an empty store, over HTTP, with the traffic at it.</summary>
internal static class MixedRun
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(200);

    /// <param name="isQuick">Under a clock that jumps, instead of the wall's.</param>
    public static Task<MixedOutcome> RunAsync(MixedSetup setup, MixedTraffic traffic, bool isQuick) =>
        Task.Run(() => RunHereAsync(setup, traffic, isQuick)); // On the pool, so that the clock sees it work.

    private static async Task<MixedOutcome> RunHereAsync(MixedSetup setup, MixedTraffic traffic, bool isQuick)
    {
        var folder = Directory.CreateTempSubdirectory("sluice-mixed-").FullName;
        Store? store = null;
        using var quick = isQuick ? new QuickTime(() => store is { IsWriting: true }) : null;
        try
        {
            var time = quick ?? TimeProvider.System;
            if (quick is not null) await quick.StartAsync();
            // A script in front of a proxy has all its lines under way.
            var batches = setup.IsPassThrough ? new BatchOptions { LinesAtOnce = Math.Max(1, traffic.Lines) } : new();
            await using var durable = await DurableParts.OpenAsync(new(folder), batches, time: time);
            store = durable.Store;
            var options = new GatewayOptions
            {
                Port = 0, System = setup.System, SharesByTenant = !setup.IsPassThrough, JournalFolder = Path.Combine(folder, "journal"),
            };
            await using var app = GatewayHost.Build(
                options, [.. setup.Fleet.Select(e => EngineFactory.Make(e with { Places = setup.Places }, time))],
                durable.With(new() { Time = time }));
            await app.StartAsync();
            using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, ActivityHeadersPropagator = null })
            {
                BaseAddress = new(app.Urls.First()), Timeout = Timeout.InfiniteTimeSpan,
            };
            var outcome = await RunAsync(setup, traffic, client, time);
            await app.StopAsync(); // It writes the journal to its end.
            var journal = string.Concat(
                Directory.EnumerateFiles(options.JournalFolder).Order(StringComparer.Ordinal).Select(File.ReadAllText));
            return outcome with { Journal = journal, BatchTime = BatchTime(journal) };
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<MixedOutcome> RunAsync(MixedSetup setup, MixedTraffic traffic, HttpClient client, TimeProvider time)
    {
        var isUnderWay = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (traffic.Lead > TimeSpan.Zero) isUnderWay.SetResult(); // Chats come first.
        var batch = BatchAsync(traffic, client, time, isUnderWay);
        await Task.WhenAny(isUnderWay.Task, batch);
        var chats = await Task.WhenAll(traffic.Chats().Select(chat => ChatAsync(chat, client, time)));
        await batch;
        TimeSpan[] first = [.. chats.OfType<TimeSpan>().Order()];
        return new(
            setup, chats.Length, first.Count(t => t <= MixedTraffic.Ttft), chats.Count(t => t is null), At(0.5), At(0.99), traffic.Lines,
            default, "");

        TimeSpan At(double share) => first.Length == 0 ? TimeSpan.Zero : first[(int)Math.Ceiling(share * first.Length) - 1];
    }

    private static TimeSpan BatchTime(string journal)
    {
        var (first, last) = (double.PositiveInfinity, 0.0);
        foreach (var text in journal.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var line = JsonDocument.Parse(text);
            if (line.RootElement.GetProperty("class").GetString() != "batch") continue;
            var arrived = line.RootElement.GetProperty("arrived_at").GetDouble();
            first = Math.Min(first, arrived);
            last = Math.Max(last, arrived + line.RootElement.GetProperty("e2e_ms").GetDouble() / 1000);
        }

        return TimeSpan.FromSeconds(last - first);
    }

    private static async Task BatchAsync(MixedTraffic traffic, HttpClient client, TimeProvider time, TaskCompletionSource isUnderWay)
    {
        await Task.Delay(traffic.Lead, time);
        var form = new MultipartFormDataContent { { new StringContent("batch"), "purpose" } };
        var file = new ByteArrayContent(traffic.InputFile());
        file.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        form.Add(file, "file", "lines.jsonl");
        var uploaded = await ReadAsync(await client.PostAsync("/v1/files", form));
        var asked = new
        {
            input_file_id = uploaded.GetProperty("id").GetString(), endpoint = "/v1/chat/completions", completion_window = "24h",
        };
        var batch = await ReadAsync(await client.PostAsJsonAsync("/v1/batches", asked));
        var id = batch.GetProperty("id").GetString();
        while (batch.GetProperty("status").GetString() != "completed")
        {
            await Task.Delay(s_look, time);
            batch = await ReadAsync(await client.GetAsync($"/v1/batches/{id}"));
            if (batch.GetProperty("status").GetString() != "validating") isUnderWay.TrySetResult();
            if (batch.GetProperty("status").GetString() is "failed" or "expired" or "cancelled")
                throw new InvalidOperationException($"the batch ended otherwise: {batch}");
        }

        var counts = batch.GetProperty("request_counts");
        if (counts.GetProperty("completed").GetInt32() != traffic.Lines) throw new InvalidOperationException($"lines failed: {counts}");
    }

    /// <returns>Time to the first token; null for a chat that got none.</returns>
    private static async Task<TimeSpan?> ChatAsync(MixedTraffic.Chat chat, HttpClient client, TimeProvider time)
    {
        await Task.Delay(chat.At, time);
        var sent = time.GetTimestamp();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new ByteArrayContent(chat.Body) };
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.Add("x-sluice-class", "interactive");
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (!response.IsSuccessStatusCode) return null;
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(), Encoding.UTF8);
        TimeSpan? first = null;
        while (await reader.ReadLineAsync() is { } line)
            if (first is null && line.Contains("\"content\":\"", StringComparison.Ordinal)) first = time.GetElapsedTime(sent);
        return first;
    }

    private static async Task<JsonElement> ReadAsync(HttpResponseMessage response)
    {
        using (response)
        {
            var json = await response.Content.ReadFromJsonAsync<JsonElement>();
            return response.IsSuccessStatusCode ? json : throw new InvalidOperationException($"{(int)response.StatusCode}: {json}");
        }
    }
}
