using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Sluice.Testing;

namespace Sluice.Gateway.Tests;

/// <summary>A headless browser with one page, driven by its own debugging protocol.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly string _folder;
    private readonly Process _process;
    private readonly ClientWebSocket _socket = new();
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonElement>> _asked = [];
    private readonly SemaphoreSlim _sending = new(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _reading;
    private string? _session;
    private int _number;

    private Browser(string folder, Process process, Uri address)
    {
        (_folder, _process) = (folder, process);
        _socket.ConnectAsync(address, _stop.Token).Wait(s_patience);
        _reading = ReadAsync();
    }

    /// <summary>What the page complained of: errors, and exceptions that nobody caught.</summary>
    public ConcurrentQueue<string> Complaints { get; } = [];

    public static async Task<Browser> OpenAsync(Uri page)
    {
        var folder = Directory.CreateTempSubdirectory("sluice-browser-").FullName;
        var process = Process.Start(new ProcessStartInfo(Programs.Browser!)
        {
            ArgumentList =
            {
                "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,1300", "--remote-debugging-port=0",
                $"--user-data-dir={folder}", "about:blank",
            },
            RedirectStandardError = true, RedirectStandardOutput = true,
        })!;
        _ = process.StandardOutput.ReadToEndAsync();
        const string Listens = "DevTools listening on ";
        string? line;
        do line = await process.StandardError.ReadLineAsync().WaitAsync(s_patience);
        while (line is not null && !line.StartsWith(Listens, StringComparison.Ordinal));
        Assert.NotNull(line);
        _ = process.StandardError.ReadToEndAsync();

        var browser = new Browser(folder, process, new(line[Listens.Length..]));
        var target = await browser.AskAsync("Target.createTarget", new() { ["url"] = "about:blank" });
        var attached = await browser.AskAsync(
            "Target.attachToTarget", new() { ["targetId"] = target.GetProperty("targetId").GetString(), ["flatten"] = true });
        browser._session = attached.GetProperty("sessionId").GetString();
        foreach (var domain in new[] { "Runtime", "Log", "Page" }) await browser.AskAsync($"{domain}.enable", []);
        await browser.AskAsync("Page.navigate", new() { ["url"] = page.AbsoluteUri });
        return browser;
    }

    /// <returns>What the script comes to, as text.</returns>
    public async Task<string> RunAsync(string script)
    {
        var answer = await AskAsync(
            "Runtime.evaluate", new() { ["expression"] = script, ["awaitPromise"] = true, ["returnByValue"] = true });
        Assert.False(answer.TryGetProperty("exceptionDetails", out var problem), problem.ToString());
        if (!answer.GetProperty("result").TryGetProperty("value", out var value)) return "";
        return value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
    }

    /// <summary>Until a script comes to true, looked at whenever the page is drawn.</summary>
    public Task UntilAsync(string script) => RunAsync(
        $$"""
        new Promise((done, failed) => {
          const end = Date.now() + 30000;
          const look = () => ({{script}}) ? done(true)
            : Date.now() > end ? failed(new Error(document.body.innerText)) : setTimeout(look, 30);
          look();
        })
        """);

    public async Task PressAsync(string key, string text = "")
    {
        foreach (var type in new[] { "keyDown", "keyUp" })
        {
            var press = new JsonObject { ["type"] = type, ["key"] = key, ["code"] = key == " " ? "Space" : key };
            if (key == "Enter") (press["windowsVirtualKeyCode"], text) = (13, "\r");
            if (key == "Tab") press["windowsVirtualKeyCode"] = 9;
            if (text.Length > 0 && type == "keyDown") press["text"] = text;
            await AskAsync("Input.dispatchKeyEvent", press);
        }
    }

    public async Task TypeAsync(string text) => await AskAsync("Input.insertText", new() { ["text"] = text });

    /// <summary>PNG of the page.</summary>
    public async Task<byte[]> PictureAsync() =>
        (await AskAsync("Page.captureScreenshot", new() { ["captureBeyondViewport"] = true })).GetProperty("data").GetBytesFromBase64();

    public async Task EmulateAsync(string scheme) => await AskAsync(
        "Emulation.setEmulatedMedia",
        new() { ["features"] = new JsonArray(new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = scheme }) });

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _reading;
        _socket.Dispose();
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _sending.Dispose();
        _stop.Dispose();
        try
        {
            Directory.Delete(_folder, recursive: true);
        }
        catch (IOException)
        {
            // A child of the browser may still write its profile; the folder is a temporary one.
        }
    }

    private async Task<JsonElement> AskAsync(string method, JsonObject parameters)
    {
        var number = Interlocked.Increment(ref _number);
        var answer = _asked[number] = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var message = new JsonObject { ["id"] = number, ["method"] = method, ["params"] = parameters };
        if (_session is not null) message["sessionId"] = _session;
        await _sending.WaitAsync();
        try
        {
            await _socket.SendAsync(
                JsonSerializer.SerializeToUtf8Bytes<JsonNode>(message), WebSocketMessageType.Text, endOfMessage: true, _stop.Token);
        }
        finally
        {
            _sending.Release();
        }

        return await answer.Task.WaitAsync(s_patience);
    }

    private async Task ReadAsync()
    {
        var buffer = new byte[1 << 16];
        using var message = new MemoryStream();
        try
        {
            while (true)
            {
                var got = await _socket.ReceiveAsync(buffer.AsMemory(), _stop.Token);
                message.Write(buffer.AsSpan(0, got.Count));
                if (!got.EndOfMessage) continue;
                Take(JsonDocument.Parse(message.ToArray()).RootElement);
                message.SetLength(0);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            foreach (var asked in _asked.Values) asked.TrySetException(new InvalidOperationException("the browser is gone"));
        }
    }

    private void Take(JsonElement message)
    {
        if (message.TryGetProperty("id", out var id))
        {
            if (!_asked.TryRemove(id.GetInt32(), out var asked)) return;
            if (message.TryGetProperty("result", out var result)) asked.SetResult(result);
            else asked.SetException(new InvalidOperationException(message.ToString()));
            return;
        }

        var what = message.GetProperty("params");
        switch (message.GetProperty("method").GetString())
        {
            case "Runtime.exceptionThrown":
                Complaints.Enqueue(what.GetProperty("exceptionDetails").ToString());
                break;
            case "Runtime.consoleAPICalled" when what.GetProperty("type").GetString() is "error" or "assert":
            case "Log.entryAdded" when what.GetProperty("entry").GetProperty("level").GetString() == "error":
                Complaints.Enqueue(what.ToString());
                break;
        }
    }
}

/// <summary>A fact that needs a browser; skipped, with the reason, on a machine without one.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute() => Skip = Programs.NoBrowser;
}
