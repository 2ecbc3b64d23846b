using System.Diagnostics;

namespace Sluice.Gateway.Tests;

/// <summary>A gateway in a process of its own.</summary>
internal sealed class ChildGateway : IDisposable
{
    private readonly Process _process;
    private string? _address;

    private ChildGateway(Process process) => _process = process;

    public static ChildGateway Start(string folder) => new(Process.Start(
        new ProcessStartInfo("dotnet", ["exec", typeof(ChildGateway).Assembly.Location, "batch-host", folder]) { RedirectStandardOutput = true })!);

    public async Task<string> AddressAsync()
    {
        while (_address is null) await ReadAsync();
        return _address;
    }

    /// <summary>Waits until so many lines were given to the engine, or none is left.</summary>
    public async Task<HashSet<string>> LinesAsync(int count)
    {
        await AddressAsync();
        var lines = new HashSet<string>(StringComparer.Ordinal);
        while (lines.Count < count && await ReadAsync() is { } text)
            if (text.StartsWith("line ", StringComparison.Ordinal)) lines.Add(text["line ".Length..]);
        return lines;
    }

    /// <summary>Memory that it takes now [MB].</summary>
    public double ResidentMegabytes()
    {
        _process.Refresh();
        return _process.WorkingSet64 / 1e6;
    }

    /// <summary>SIGKILL: nothing in the process gets to say goodbye.</summary>
    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
    }

    private async Task<string?> ReadAsync()
    {
        var text = await _process.StandardOutput.ReadLineAsync();
        if (text is null) throw new InvalidOperationException($"the gateway ended with {_process.ExitCode}");
        if (text.StartsWith("at ", StringComparison.Ordinal)) _address = text["at ".Length..];
        return text;
    }
}
