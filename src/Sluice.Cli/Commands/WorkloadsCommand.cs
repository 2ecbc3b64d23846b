using System.CommandLine;
using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary><c>sluice workloads</c>: what <c>--workload</c>, <c>--trace</c> and <c>--slo</c> take.</summary>
public static class WorkloadsCommand
{
    public static Command Create(Terminal terminal)
    {
        var kind = new Argument<string?>("kind")
        {
            Description = "show all keys of this one",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var command = new Command("workloads", "Show what --workload, --trace and --slo take.") { kind };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(kind) is { } name) Describe(name, terminal);
            else List(terminal);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void List(Terminal terminal)
    {
        Title(terminal, "--workload KIND:key=value,key=value   generated; 'sluice workloads KIND' lists the keys");
        var kinds = new Listing("", "") { Indent = 2 };
        foreach (var kind in WorkloadGuide.Kinds)
        {
            kinds.Add(kind.Name, kind.Summary);
            kinds.Add("", kind.Example);
        }

        kinds.Write(terminal.Out, terminal.Width);
        Text(terminal, "Several with | between them are laid over each other. A time is 50ms, 2s, 10m or 1h; a plain number is seconds.");
        Text(terminal, $"A law is {WorkloadGuide.Laws}.");
        Text(terminal, "A table of lengths is one of:");
        var tables = new Listing("", "") { Indent = 4 };
        foreach (var (name, origin) in WorkloadGuide.Tables) tables.Add(name, origin);
        tables.Write(terminal.Out, terminal.Width);

        Title(terminal, "--trace FILE [--format NAME]   recorded; the format shows in the first line, plain or .gz");
        var formats = new Listing("", "") { Indent = 2 };
        foreach (var (_, name, firstLine) in TraceFormats.All) formats.Add(name, firstLine);
        formats.Write(terminal.Out, terminal.Width);
        Text(terminal, "--arrivals poisson:rate=4 replaces the recorded times, with any of the arrivals above that takes a rate.");

        Title(terminal, "--slo [CLASS:SHARE,]ttft=TIME,tpot=TIME,e2e=TIME[,priority=N]   promises; several classes with ; between them");
        Text(terminal, "ttft=1s,tpot=50ms promises the same to all; chat:0.6,ttft=1s;batch:0.4,e2e=1h draws a class for each request. "
            + "Classes or tenants that the workload names itself decide instead where all of them are in the mix. "
            + "Lower priority is served first.");
    }

    private static void Describe(string name, Terminal terminal)
    {
        string[] names = [.. WorkloadGuide.Kinds.Select(k => k.Name)];
        var kind = WorkloadGuide.Kinds.FirstOrDefault(k => k.Name == name)
            ?? throw new InputException($"{name}: no such kind of workload{Nearest.Hint(name, names)}. Known: {string.Join(", ", names)}.");

        terminal.Out.WriteLine($"{kind.Name}: {kind.Summary}");
        terminal.Out.WriteLine($"--workload \"{kind.Example}\"");
        terminal.Out.WriteLine();
        var keys = new Listing("key", "", "meaning, unit [default]");
        foreach (var key in kind.Own) keys.Add(key.Name, "", key.Meaning);
        foreach (var group in kind.Shared)
            foreach (var key in group.Keys) keys.Add(key.Name, group.Title, key.Meaning);
        keys.Write(terminal.Out, terminal.Width);
    }

    private static void Title(Terminal terminal, string text)
    {
        terminal.Out.WriteLine();
        Listing.WriteText(terminal.Out, text, terminal.Width);
    }

    private static void Text(Terminal terminal, string text) => Listing.WriteText(terminal.Out, "  " + text, terminal.Width, indent: 2);
}
