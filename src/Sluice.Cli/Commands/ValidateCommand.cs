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
        var live = new Option<string>("--live")
        {
            Description = "run a workload with this model file here, and the same in the simulator", HelpName = "FILE.gguf",
        };
        var requests = new Option<int?>("--requests") { Description = "with --live: how many [200]", HelpName = "N" };
        var seed = new Option<int?>("--seed") { Description = "with --live: of the workload [42]", HelpName = "N" };
        var engine = new EngineOptions();
        var command = new Command("validate", "Repeat measured runs in the simulator and print the errors.")
        {
            directory, json, live, requests, seed,
        };
        engine.AddTo(command);
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(live) is not { } model)
                return Execute(parsed.GetValue(directory), parsed.GetValue(json), terminal);
            if (parsed.GetValue(directory) is not null)
                throw new InputException("--live: expected either a model file or a folder.");
            var count = parsed.GetValue(requests) ?? 200;
            if (count is < 10 or > 100_000) throw new InputException($"--requests {count}: expected 10 to 100000.");
            var settings = engine.Read(parsed);
            var comparison = LiveValidation.Run(
                model, count, settings, Catalog.Make(engine.SystemName(parsed), PolicySettings.None),
                (ulong)(parsed.GetValue(seed) ?? 42), terminal);
            if (parsed.GetValue(json)) LiveValidation.WriteJson(comparison, terminal);
            else LiveValidation.Print(comparison, terminal);
            return comparison.Holds ? ExitCodes.Ok : ExitCodes.Failed;
        });
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
