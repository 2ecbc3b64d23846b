using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Sluice.Core;
using Sluice.Storage;
using Sluice.Upstreams;

namespace Sluice.Gateway.Tests;

/// <summary>A gateway with files and batches over a store in a folder of its own.</summary>
internal sealed class BatchGateway : IAsyncDisposable
{
    private readonly string _folder;
    private readonly bool _ownsFolder;

    private BatchGateway(string folder, bool ownsFolder, Store store, TestGateway gateway) =>
        (_folder, _ownsFolder, Store, Gateway) = (folder, ownsFolder, store, gateway);

    public Store Store { get; }
    public TestGateway Gateway { get; }
    public HttpClient Client => Gateway.Client;

    public static Task<BatchGateway> StartAsync(params FakeUpstream[] engines) => StartAsync(new(), null, null, engines);

    /// <param name="folder">Of a gateway before this one; null for an empty one.</param>
    public static Task<BatchGateway> StartAsync(
        BatchOptions options, ICallers? callers, string? folder, params FakeUpstream[] engines) =>
        StartAsync(options, callers, folder, null, engines);

    public static async Task<BatchGateway> StartAsync(
        BatchOptions options, ICallers? callers, string? folder, TimeProvider? time, params FakeUpstream[] engines) =>
        await StartAsync(options, callers, folder, time, null, engines);

    /// <param name="taken">Stands for <see cref="Store.Taken"/>.</param>
    public static async Task<BatchGateway> StartAsync(
        BatchOptions options, ICallers? callers, string? folder, TimeProvider? time, Task<StoreTakenException>? taken,
        params FakeUpstream[] engines)
    {
        var ownsFolder = folder is null;
        folder ??= NewFolder();
        var store = Store.Open(new StorageOptions(folder));
        var quick = options with { Pause = TimeSpan.FromMilliseconds(20), PauseMax = TimeSpan.FromMilliseconds(40) };
        var feature = new BatchFeature(store, quick, null, time) { Taken = taken ?? store.Taken };
        var gateway = await TestGateway.StartAsync(
            new(), new() { Callers = callers, Endpoints = [feature], Workers = [feature.RunAsync] }, engines);
        return new(folder, ownsFolder, store, gateway);
    }

    public static string NewFolder() => Directory.CreateTempSubdirectory("sluice-batches-").FullName;

    public static string Line(int number, string more = "") => Line($"c{number}", more);

    public static string Line(string customId, string more = "") =>
        $$$"""{"custom_id":"{{{customId}}}","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[{"role":"user","content":"say {{{customId}}}"}]{{{more}}}}}""";

    public static string Lines(int count) => string.Concat(Enumerable.Range(1, count).Select(i => Line(i) + "\n"));

    /// <summary>The custom id that a line of <see cref="Line(string, string)"/> carries in its message.</summary>
    public static string IdOf(UpstreamCall call)
    {
        using var document = JsonDocument.Parse(call.Body);
        return document.RootElement.GetProperty("messages")[0].GetProperty("content").GetString()!["say ".Length..];
    }

    public async Task<HttpResponseMessage> UploadAsync(
        string content, string purpose = "batch", string name = "lines.jsonl", params (string Name, string Value)[] headers)
    {
        var form = new MultipartFormDataContent { { new StringContent(purpose), "purpose" } };
        var file = new ByteArrayContent(Encoding.UTF8.GetBytes(content));
        file.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        form.Add(file, "file", name);
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/files") { Content = form };
        foreach (var (header, value) in headers) request.Headers.Add(header, value);
        return await Client.SendAsync(request);
    }

    public async Task<string> UploadedAsync(string content) =>
        (await (await UploadAsync(content)).JsonAsync()).GetProperty("id").GetString()!;

    public Task<HttpResponseMessage> CreateAsync(string file, string window = "24h", string more = "", params (string Name, string Value)[] headers) =>
        Gateway.PostAsync(
            "/v1/batches",
            $$"""{"input_file_id":"{{file}}","endpoint":"/v1/chat/completions","completion_window":"{{window}}"{{more}}}""", default, headers);

    /// <returns>Id of a new batch of these lines.</returns>
    public async Task<string> SubmitAsync(string lines, string window = "24h", string more = "")
    {
        var response = await CreateAsync(await UploadedAsync(lines), window, more);
        var batch = await response.JsonAsync();
        Assert.True(response.IsSuccessStatusCode, batch.ToString());
        return batch.GetProperty("id").GetString()!;
    }

    public async Task<JsonElement> BatchAsync(string id) => await (await Client.GetAsync($"/v1/batches/{id}")).JsonAsync();

    /// <summary>Asks until the batch is in that state.</summary>
    public async Task<JsonElement> UntilAsync(string id, string status)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            patience.Token.ThrowIfCancellationRequested();
            var batch = await BatchAsync(id);
            var now = batch.GetProperty("status").GetString();
            if (now == status) return batch;
            Assert.False(now is "completed" or "failed" or "expired" or "cancelled", $"the batch is {now}, not {status}: {batch}");
        }
    }

    /// <summary>The lines of a file that a field of the batch names, by custom id; empty if it names none.</summary>
    public async Task<Dictionary<string, JsonElement>> FileAsync(JsonElement batch, string field)
    {
        if (batch.GetProperty(field).GetString() is not { } id) return [];
        var text = await Client.GetStringAsync($"/v1/files/{id}/content");
        return text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement)
            .ToDictionary(line => line.GetProperty("custom_id").GetString()!);
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await Store.DisposeAsync();
        if (_ownsFolder) Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>Everybody is the tenant that the header <c>tenant</c> names.</summary>
internal sealed class CallersByHeader : ICallers
{
    public Caller? Find(Microsoft.AspNetCore.Http.HttpContext context, out ApiError? refusal)
    {
        refusal = null;
        return new(new(0), context.Request.Headers["tenant"] is [{ } name] ? name : "default");
    }
}
