using System.CommandLine;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary><c>sluice reproduce</c>: the experiments of a paper again, its claims beside what comes out here.</summary>
public static class ReproduceCommand
{
    private const string All = "all";

    public static Command Create(Terminal? given = null)
    {
        var terminal = given ?? Terminal.OfProcess();
        var name = new Argument<string?>("name")
        {
            Description = "which one, or all; none lists them",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var list = new Option<bool>("--list") { Description = "list the names" };
        var small = new Option<bool>("--small") { Description = "seconds instead of minutes: shorter runs, less exact" };
        var command = new Command("reproduce", "Run a paper's experiments again and compare its claims with what comes out here.")
        {
            name, list, small,
        };
        var output = new OutputOptions(command, "write report.html and rows.json to a folder");
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(list) || parsed.GetValue(name) is not { } chosen)
            {
                List(terminal);
                return ExitCodes.Ok;
            }

            return chosen == All
                ? ExecuteAll(parsed.GetValue(small), output.Read(parsed), terminal)
                : Execute(ReproductionCatalog.Named(chosen), parsed.GetValue(small), output.Read(parsed), terminal);
        });
        return command;
    }

    private static void List(Terminal terminal)
    {
        foreach (var reproduction in ReproductionCatalog.All)
            terminal.Out.WriteLine($"{reproduction.Name}\n    {reproduction.Title}\n    {reproduction.About}");
    }

    /// <summary>One after the other, each on all cores; one JSON object, one page.</summary>
    private static int ExecuteAll(bool isSmall, Output output, Terminal terminal)
    {
        var results = new List<(IReproduction Reproduction, ReproductionResult Result)>();
        foreach (var reproduction in ReproductionCatalog.All)
        {
            terminal.Stop.ThrowIfCancellationRequested();
            results.Add((reproduction, Run(reproduction, isSmall, terminal)));
            if (output.IsJson) continue;
            WriteTable(reproduction, results[^1].Result, terminal);
            terminal.Out.WriteLine();
        }

        if (output.IsJson) terminal.WriteText(stream => RowJson.WriteAll(results, stream));
        else WriteSum([.. results.SelectMany(r => r.Result.Rows)], results.Count, terminal);
        Write(output, terminal, stream => RowJson.WriteAll(results, stream), ReproductionPage.MakeAll(results, isSmall));
        return ExitCodes.Ok;
    }

    private static void WriteSum(IReadOnlyList<ReproductionRow> rows, int systems, Terminal terminal) =>
        terminal.Out.WriteLine($"{rows.Count(r => r.Agrees)} of {rows.Count} rows of {systems} systems agree.");

    private static ReproductionResult Run(IReproduction reproduction, bool isSmall, Terminal terminal)
    {
        using var progress = new Progress(reproduction.Name, terminal);
        return reproduction.Run(new ReproductionContext(isSmall, progress.Report));
    }

    private static void WriteTable(IReproduction reproduction, ReproductionResult result, Terminal terminal)
    {
        terminal.Out.WriteLine(reproduction.Title);
        terminal.Out.WriteLine();
        RowTable.Write(result.Rows, terminal.Out, terminal.Width);
    }

    private static void Write(Output output, Terminal terminal, Action<Stream> rowsTo, PlotPage page)
    {
        if (output.Directory is not { } directory) return;
        using (var rows = File.Create(Path.Combine(directory, "rows.json"))) rowsTo(rows);
        var report = Path.Combine(directory, "report.html");
        using (var file = File.Create(report)) page.Write(file);
        terminal.Error.WriteLine($"wrote {report} and rows.json beside it");
    }

    /// <summary>A claim that does not come out is a result and no failure.</summary>
    private static int Execute(IReproduction reproduction, bool isSmall, Output output, Terminal terminal)
    {
        var result = Run(reproduction, isSmall, terminal);
        if (output.IsJson) terminal.WriteText(stream => RowJson.Write(reproduction.Name, result.Rows, stream));
        else WriteTable(reproduction, result, terminal);
        Write(
            output, terminal, stream => RowJson.Write(reproduction.Name, result.Rows, stream),
            ReproductionPage.Make(reproduction, result, isSmall));
        return ExitCodes.Ok;
    }
}
