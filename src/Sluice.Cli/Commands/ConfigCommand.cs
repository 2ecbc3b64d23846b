using System.CommandLine;
using Sluice.Core;
using Sluice.Gateway;

namespace Sluice.Cli;

/// <summary><c>sluice config check FILE</c>: is the file one that <c>serve</c> can use?</summary>
public static class ConfigCommand
{
    public static Command Create(Terminal terminal)
    {
        var file = new Argument<string>("file") { Description = "The configuration file.", HelpName = "sluice.yaml" };
        var check = new Command("check", "Find every mistake in a configuration file.") { file };
        check.SetAction(parsed =>
        {
            var path = parsed.GetRequiredValue(file);
            var config = GatewayConfig.Check(path, out var problems);
            foreach (var problem in problems) terminal.Error.WriteLine(problem);
            if (problems.Count > 0)
                throw new InputException($"{path}: {problems.Count} {(problems.Count == 1 ? "mistake" : "mistakes")}.");
            terminal.Out.WriteLine(
                $"{path}: good. {config!.Engines.Count} engines, {config.Options.Classes.All.Count} classes, {config.Options.System}.");
            return ExitCodes.Ok;
        });
        return new Command("config", "Look after configuration files.") { check };
    }
}
