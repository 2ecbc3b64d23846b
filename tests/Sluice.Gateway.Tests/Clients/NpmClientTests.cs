using System.Diagnostics;

namespace Sluice.Gateway.Tests;

/// <summary>OpenAI's own client for JavaScript, as it is. Does nothing where node or the package is missing; .ci/run installs
/// both.</summary>
public sealed class NpmClientTests
{
    [Fact]
    public async Task It_chats_streams_responds_and_understands_errors()
    {
        var folder = Path.Combine(Root, "tests", "Sluice.Gateway.Tests", "Clients", "npm");
        if (!Directory.Exists(Path.Combine(folder, "node_modules", "openai"))) return;
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());

        using var node = Start(folder, new Uri(gateway.Address, "v1").ToString());
        if (node is null) return;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var output = node.StandardOutput.ReadToEndAsync(patience.Token);
        var error = node.StandardError.ReadToEndAsync(patience.Token);
        await node.WaitForExitAsync(patience.Token);

        Assert.True(node.ExitCode == 0, await error);
        Assert.Equal(
            ["chat", "stream", "response", "response stream", "background", "error", "models"],
            (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    private static string Root
    {
        get
        {
            var at = new DirectoryInfo(AppContext.BaseDirectory);
            while (!File.Exists(Path.Combine(at.FullName, "Sluice.slnx"))) at = at.Parent!;
            return at.FullName;
        }
    }

    private static Process? Start(string folder, string address)
    {
        try
        {
            return Process.Start(new ProcessStartInfo("node", ["client.mjs", address])
            {
                WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true,
            });
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null; // There is no node.
        }
    }
}
