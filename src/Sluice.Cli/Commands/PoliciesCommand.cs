using System.CommandLine;
using Sluice.Core;
using Sluice.Policies;
using Spectre.Console;

namespace Sluice.Cli;

/// <summary><c>sluice policies</c>: the catalog of systems, printed from the catalog itself.</summary>
public static class PoliciesCommand
{
    public static Command Create()
    {
        var name = new Argument<string?>("system")
        {
            Description = "show this one with its settings",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var command = new Command("policies", "List the scheduling systems, what each changes and where it runs.") { name };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(name) is { } system) Describe(system);
            else List();
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void List()
    {
        var table = new Table().Border(TableBorder.Simple)
            .AddColumns("system", "what it does", "stages it changes", "simulator", "engine", "remote");
        foreach (var e in Catalog.Entries)
        {
            table.AddRow(
                Markup.Escape(e.Name), Markup.Escape(e.Summary), Markup.Escape(e.Stages), Mark(e, Drivers.Simulator),
                Mark(e, Drivers.Engine), Mark(e, Drivers.Remote));
        }

        AnsiConsole.Write(table);
        AnsiConsole.WriteLine("Every system also takes the shared settings (router, length, queue, kv); see 'sluice policies NAME'.");
        AnsiConsole.WriteLine("The engine and remote drivers are not built yet; the columns say where a system will run.");
    }

    private static void Describe(string name)
    {
        var settings = PolicySettings.None;
        Catalog.Make(name, settings);
        var entry = Catalog.Entries.First(e => e.Name == name);
        AnsiConsole.WriteLine($"{entry.Name}: {entry.Summary}");
        AnsiConsole.WriteLine($"source: {entry.Source}");
        AnsiConsole.WriteLine($"stages: {entry.Stages}");
        var table = new Table().Border(TableBorder.Simple).AddColumns("--set", "meaning", "default");
        foreach (var s in settings.Read) table.AddRow(Markup.Escape(s.Key), Markup.Escape(s.Meaning), Markup.Escape(s.Default));
        AnsiConsole.Write(table);
    }

    private static string Mark(CatalogEntry entry, Drivers driver) => entry.Drivers.HasFlag(driver) ? "yes" : "-";
}
