using System.CommandLine;
using System.CommandLine.Parsing;
using Sluice.Core;

namespace Sluice.Cli;

/// <summary>What is wrong with a command line, in one line: the first thing only, since the rest often follows from
/// it.</summary>
internal static class ParseErrors
{
    public static string Describe(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var name = command is RootCommand ? "sluice" : "sluice " + command.Name;
        if (parsed.UnmatchedTokens is [var token, ..]) return Unknown(token, command, name);

        var error = parsed.Errors[0];
        return error.SymbolResult switch
        {
            OptionResult { Tokens.Count: 0 } option => $"{option.Option.Name}: expected a value, {option.Option.HelpName ?? "VALUE"}; "
                + $"'{name} --help' says which.",
            _ => $"{error.Message.TrimEnd('.')}; see '{name} --help'.",
        };
    }

    private static string Unknown(string token, Command command, string name)
    {
        if (token.StartsWith('-'))
        {
            string[] options = [.. command.Options.Where(o => !o.Hidden).Select(o => o.Name)];
            return $"{token}: '{name}' has no such option{Nearest.Hint(token.Split('=')[0], options)}; '{name} --help' lists them.";
        }

        string[] commands = [.. command.Subcommands.Select(c => c.Name)];
        return commands.Length > 0
            ? $"{token}: no such command{Nearest.Hint(token, commands)}. Known: {string.Join(", ", commands)}."
            : $"{token}: one word too many for '{name}'; lists take commas and no blanks, and '{name} --help' shows the usage.";
    }
}
