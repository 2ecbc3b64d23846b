using System.CommandLine;
using Sluice.Core;
using Sluice.Policies;

namespace Sluice.Cli;

/// <summary><c>sluice policies</c>: the catalog of systems, printed from the catalog itself.</summary>
public static class PoliciesCommand
{
    public static Command Create(Terminal terminal)
    {
        var name = new Argument<string?>("system")
        {
            Description = "show this one with its settings",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var command = new Command("policies", "List the scheduling systems, what each changes and where it runs.") { name };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(name) is { } system) Describe(system, terminal);
            else List(terminal);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void List(Terminal terminal)
    {
        var listing = new Listing("system", "runs in", "changes", "what it does");
        foreach (var e in Catalog.Entries) listing.Add(e.Name, RunsIn(e), Changes(e), e.Summary);
        listing.Write(terminal.Out, terminal.Width);
        terminal.Out.WriteLine();
        Listing.WriteText(
            terminal.Out, "runs in: S the simulator, E our own engine, R engines elsewhere. "
            + "'sluice policies NAME' shows source, stages and settings; every system takes the shared ones: "
            + "router, queue, length, kv.", terminal.Width);
    }

    private static void Describe(string name, Terminal terminal)
    {
        var settings = PolicySettings.None;
        Make(name, settings);
        var entry = Catalog.Entries.First(e => e.Name == name);
        terminal.Out.WriteLine($"{entry.Name}: {entry.Summary}");
        terminal.Out.WriteLine($"source:  {entry.Source}");
        terminal.Out.WriteLine($"changes: {entry.Stages}");
        Listing.WriteText(terminal.Out, $"waits:   {entry.Waits.Says}", terminal.Width);
        terminal.Out.WriteLine();
        var listing = new Listing("--set", "default", "meaning");
        foreach (var s in settings.Read) listing.Add(s.Key, s.Default, s.Meaning);
        listing.Write(terminal.Out, terminal.Width);
    }

    private static void Make(string name, PolicySettings settings)
    {
        string[] names = [.. Catalog.Entries.Select(e => e.Name)];
        if (!names.Contains(name))
            throw new InputException($"{name}: no such system{Nearest.Hint(name, names)}. Known: {string.Join(", ", names)}.");
        Catalog.Make(name, settings);
    }

    private static string RunsIn(CatalogEntry entry) =>
        $"{Mark(entry, Drivers.Simulator, "S")} {Mark(entry, Drivers.Engine, "E")} {Mark(entry, Drivers.Remote, "R")}";

    private static string Mark(CatalogEntry entry, Drivers driver, string letter) => entry.Drivers.HasFlag(driver) ? letter : "-";

    /// <summary>The first word of each stage, which tells them apart; the estimate goes by the paper's letters.</summary>
    private static string Changes(CatalogEntry entry) =>
        string.Join(", ", entry.Stages.Split(", ").Select(s => s == "waiting-time estimate" ? "RWT" : s.Split(' ')[0]));
}
