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
        if (OnPath("llama-server") is not { } program || Model() is not { } model) return;

        var port = FreePort();
        using var server = Start(program, ["-m", model, "--host", "127.0.0.1", "--port", $"{port}", "-c", "512", "-np", "2", "--metrics"]);
        try
        {
            await using var upstream = new HttpUpstream(
                new() { Name = "llama", Address = new($"http://127.0.0.1:{port}") }, TimeProvider.System);
            await server.Listening.Task.WaitAsync(TimeSpan.FromSeconds(60));
            Assert.True(await upstream.ProbeAsync(default));
            Assert.Equal(UpstreamKind.LlamaCpp, upstream.Capabilities.Kind);
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
            Assert.Equal(CallEnd.Refused, refused.End);
        }
        finally
        {
            server.Kill();
        }
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

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static RunningServer Start(string program, string[] arguments)
    {
        var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true },
        };
        return new RunningServer(process);
    }

    private sealed class RunningServer : IDisposable
    {
        private readonly Process _process;

        public RunningServer(Process process)
        {
            _process = process;
            process.OutputDataReceived += (_, e) => Look(e.Data);
            process.ErrorDataReceived += (_, e) => Look(e.Data);
            process.Start();
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
        }

        public TaskCompletionSource Listening { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Kill() => _process.Kill(entireProcessTree: true);

        public void Dispose() => _process.Dispose();

        private void Look(string? line)
        {
            if (line?.Contains("server is listening", StringComparison.Ordinal) == true) Listening.TrySetResult();
        }
    }
}
