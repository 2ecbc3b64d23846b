using System.CommandLine;
using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>Where results go.</summary>
/// <param name="Directory">Folder for the full report, or null.</param>
public sealed record Output(bool IsJson, string? Directory)
{
    public void WriteFolder(IReadOnlyList<RunResult> results, Terminal terminal)
    {
        if (Directory is null) return;
        RunFolder.Write(Directory, results, PeakMemory.Megabytes, stop: terminal.Stop);
        SayWritten(terminal);
    }

    public void SayWritten(Terminal terminal)
    {
        if (Directory is null) return;
        terminal.Error.WriteLine($"wrote {Path.Combine(Directory, "report.html")} and the files beside it");
    }
}

/// <summary><c>--json</c> and <c>--out</c>.</summary>
public sealed class OutputOptions
{
    private readonly Option<bool> _json = new("--json") { Description = "print one JSON object to standard output" };
    private readonly Option<string> _out = new("--out") { HelpName = "DIR" };

    /// <param name="command">Gets the options.</param>
    /// <param name="written">What goes into the folder, for <c>--help</c>.</param>
    public OutputOptions(
        Command command,
        string written = "write result.json, requests.csv, timeseries.csv, report.html, trace.json and run.json to a folder")
    {
        _out.Description = written;
        command.Options.Add(_json);
        command.Options.Add(_out);
    }

    /// <summary>Also makes the folder and tries it: now, not after an hour of simulation.</summary>
    /// <exception cref="InputException">The folder cannot be made or written to.</exception>
    public Output Read(ParseResult parsed)
    {
        var directory = parsed.GetValue(_out);
        if (directory is null) return new(parsed.GetValue(_json), null);
        if (File.Exists(directory)) throw new InputException($"--out {directory}: is a file, expected a folder.");
        try
        {
            Directory.CreateDirectory(directory);
            File.Create(Path.Combine(directory, ".sluice-out"), 1, FileOptions.DeleteOnClose).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new InputException($"--out {directory}: cannot be written to: {e.Message}");
        }

        return new(parsed.GetValue(_json), directory);
    }
}
