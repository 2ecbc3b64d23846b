using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Sluice.Upstreams.Tests;

/// <summary>A real llama.cpp server, where one is on the path and the reference data with its small models is beside the
/// repository; otherwise there is nothing to test.</summary>
public sealed class LlamaServerTests
{
    [Fact]
    public async Task A_real_server_is_found_driven_reported_and_continued()
    {
        if (Find() is not var (program, model)) return;

        using var server = await RunningServer.StartAsync(program, model, "-np", "2");
        await using var upstream = await ProbedAsync(server);
        Assert.Equal(2, upstream.Capabilities.SequencesMax);
        var name = upstream.Capabilities.Models[0].Name;
        var exactly8 = new { max_tokens = 8, temperature = 0, ignore_eos = true };

        var (whole, rest) = (new Answers(), new Answers());
        var outcome = await upstream.CallAsync(Calls.Completion(name, exactly8), whole, default);
        Assert.Equal((CallEnd.Completed, 8), (outcome.End, outcome.OutputTokens));
        Assert.True(outcome.PromptTokens > 0);
        Assert.NotNull(await upstream.ReportAsync(default));

        var had = string.Concat(whole.Events.Take(4).Select(e => (string?)e["choices"]?.AsArray().FirstOrDefault()?["text"]));
        var continued = await upstream.CallAsync(Calls.Completion(name, exactly8, resume: new(had, 4)), rest, default);
        Assert.Equal((CallEnd.Completed, 4), (continued.End, continued.OutputTokens));

        var refused = await upstream.CallAsync(Calls.Raw(name, """{"messages":"x"}"""), new Answers(), default);
        Assert.Equal(CallEnd.Failed, refused.End); // It answers 500 to what is no array.
    }

    [Fact]
    public async Task A_real_server_saves_the_slot_of_an_evicted_call_and_goes_on_from_it()
    {
        if (Find() is not var (program, model)) return;

        using var folder = new TempFolder();
        using var server = await RunningServer.StartAsync(program, model, "-np", "1", "--slot-save-path", folder.Path);
        await using var upstream = await ProbedAsync(server);
        Assert.Equal(Keeping.Kv, upstream.Capabilities.Keeping);
        var name = upstream.Capabilities.Models[0].Name;
        var exactly200 = new { max_tokens = 200, temperature = 0, ignore_eos = true };
        var undisturbed = new Answers();
        await upstream.CallAsync(Calls.Completion(name, exactly200), undisturbed, default);

        var events = 0;
        var begun = new Answers
        {
            OnEvent = _ =>
            {
                if (++events == 5) Assert.True(upstream.TryEvict(new(7)));
                return default;
            },
        };
        var evicted = await upstream.CallAsync(Calls.Completion(name, exactly200) with { Id = new(7) }, begun, default);
        Assert.Equal(CallEnd.Evicted, evicted.End);
        Assert.True(upstream.Keeps(new(7)));
        Assert.NotEmpty(Directory.GetFiles(folder.Path));

        // Somebody else has the slot meanwhile.
        await upstream.CallAsync(Calls.Completion(name, exactly200, text: "Something else"), new Answers(), default);

        var rest = new Answers();
        var call = Calls.Completion(name, exactly200, resume: new(begun.Text, evicted.OutputTokens)) with { Id = new(7) };
        var outcome = await upstream.CallAsync(call, rest, default);

        Assert.Equal((CallEnd.Completed, 200 - evicted.OutputTokens), (outcome.End, outcome.OutputTokens));
        Assert.StartsWith(begun.Text, undisturbed.Text, StringComparison.Ordinal);
        var timings = rest.Events[^1]["timings"]!;
        Assert.InRange((int)timings["prompt_n"]!, 1, 4); // The rest of the prompt was in the slot that was read back.
    }

    private static (string Program, string Model)? Find() =>
        OnPath("llama-server") is { } program && Model() is { } model ? (program, model) : null;

    private static async Task<HttpUpstream> ProbedAsync(RunningServer server)
    {
        var upstream = new HttpUpstream(new() { Name = "llama", Address = server.Address }, TimeProvider.System);
        Assert.True(await upstream.ProbeAsync(default));
        Assert.Equal(UpstreamKind.LlamaCpp, upstream.Capabilities.Kind);
        return upstream;
    }

    private static string? OnPath(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    private static string? Model()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            var model = Path.Combine(at.FullName, "shared", "data", "golden", "models", "llama-gqa-Q8_0.gguf");
            if (File.Exists(model)) return model;
        }

        return null;
    }

    private sealed class RunningServer : IDisposable
    {
        private readonly Process _process;
        private readonly TaskCompletionSource _isListening = new(TaskCreationOptions.RunContinuationsAsynchronously);

        private RunningServer(string program, string model, int port, string[] more)
        {
            Address = new($"http://127.0.0.1:{port}");
            string[] arguments = ["-m", model, "--host", "127.0.0.1", "--port", $"{port}", "-c", "512", "--metrics", "--slots", .. more];
            _process = new Process
            {
                StartInfo = new(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true },
            };
            _process.OutputDataReceived += (_, e) => Look(e.Data);
            _process.ErrorDataReceived += (_, e) => Look(e.Data);
            _process.Start();
            _process.BeginOutputReadLine();
            _process.BeginErrorReadLine();
        }

        public Uri Address { get; }

        public static async Task<RunningServer> StartAsync(string program, string model, params string[] more)
        {
            var server = new RunningServer(program, model, FreePort(), more);
            await server._isListening.Task.WaitAsync(TimeSpan.FromSeconds(60));
            return server;
        }

        public void Dispose()
        {
            _process.Kill(entireProcessTree: true);
            _process.Dispose();
        }

        private void Look(string? line)
        {
            if (line?.Contains("starting the main loop", StringComparison.Ordinal) == true) _isListening.TrySetResult();
        }

        private static int FreePort()
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            return ((IPEndPoint)listener.LocalEndpoint).Port;
        }
    }
}
