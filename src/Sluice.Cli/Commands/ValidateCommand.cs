using System.CommandLine;
using System.Text.Json;
using Sluice.Core;
using Sluice.Policies;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary><c>sluice validate</c>: measured runs repeated in the simulator, with the error of every metric.</summary>
public static class ValidateCommand
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
    };

    public static Command Create(Terminal terminal)
    {
        var directory = new Argument<string?>("DIR")
        {
            Description = "folder with measured runs; without it, the published figures that come with Sluice",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var json = new Option<bool>("--json") { Description = "print one JSON object to standard output" };
        var command = new Command("validate", "Repeat measured runs in the simulator and print the errors.") { directory, json };
        command.SetAction(parsed => Execute(parsed.GetValue(directory), parsed.GetValue(json), terminal));
        return command;
    }

    private static int Execute(string? directory, bool isJson, Terminal terminal)
    {
        if (directory is not null && !Directory.Exists(directory))
            throw new InputException($"{directory}: there is no such folder; expected one with measured runs.");

        var report = Validation.Run(directory, name => Catalog.Make(name, PolicySettings.None));
        if (isJson) terminal.Out.WriteLine(JsonSerializer.Serialize(report, s_json));
        else report.WriteTo(terminal.Out);
        return ExitCodes.Ok;
    }
}
