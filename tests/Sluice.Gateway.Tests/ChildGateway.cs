using System.Diagnostics;
using System.Globalization;

namespace Sluice.Gateway.Tests;

/// <summary>A gateway in a process of its own.</summary>
internal sealed class ChildGateway : IDisposable
{
    /// <summary>It says something within this time, or something is wrong.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private string? _address;

    private ChildGateway(Process process) => _process = process;

    /// <param name="linesMax">Its engine answers so many calls, and holds all others for ever.</param>
    public static ChildGateway Start(string folder, int linesMax = int.MaxValue) => new(Process.Start(
        new ProcessStartInfo(
            "dotnet",
            ["exec", typeof(ChildGateway).Assembly.Location, "batch-host", folder, linesMax.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardOutput = true,
        })!);

    public async Task<string> AddressAsync()
    {
        while (_address is null) await ReadAsync();
        return _address;
    }

    /// <summary>Waits until so many lines were given to the engine.</summary>
    public async Task<HashSet<string>> LinesAsync(int count)
    {
        await AddressAsync();
        var lines = new HashSet<string>(StringComparer.Ordinal);
        while (lines.Count < count)
            if (await ReadAsync() is var text && text.StartsWith("line ", StringComparison.Ordinal)) lines.Add(text["line ".Length..]);
        return lines;
    }

    /// <summary>Memory that it takes now [MB].</summary>
    public double ResidentMegabytes()
    {
        _process.Refresh();
        return _process.WorkingSet64 / 1e6;
    }

    /// <summary>The most that it ever took [MB].</summary>
    public double PeakMegabytes()
    {
        _process.Refresh();
        return _process.PeakWorkingSet64 / 1e6;
    }

    /// <summary>SIGKILL: nothing in the process gets to say goodbye.</summary>
    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
    }

    private async Task<string> ReadAsync()
    {
        using var patience = new CancellationTokenSource(s_patience);
        var text = await _process.StandardOutput.ReadLineAsync(patience.Token);
        if (text is null) throw new InvalidOperationException($"the gateway ended with {_process.ExitCode}");
        if (text.StartsWith("at ", StringComparison.Ordinal)) _address = text["at ".Length..];
        return text;
    }
}
