using System.CommandLine;

namespace Sluice.Cli;

/// <summary><c>sluice reproduce</c>: the experiments of a paper again, its claims beside what comes out here.</summary>
public static class ReproduceCommand
{
    public static Command Create(Terminal? given = null)
    {
        var terminal = given ?? Terminal.OfProcess();
        var name = new Argument<string?>("name")
        {
            Description = "which one; none lists them",
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

            return Execute(ReproductionCatalog.Named(chosen), parsed.GetValue(small), output.Read(parsed), terminal);
        });
        return command;
    }

    private static void List(Terminal terminal)
    {
        foreach (var reproduction in ReproductionCatalog.All)
            terminal.Out.WriteLine($"{reproduction.Name}\n    {reproduction.Title}\n    {reproduction.About}");
    }

    /// <summary>A claim that does not come out is a result and no failure.</summary>
    private static int Execute(IReproduction reproduction, bool isSmall, Output output, Terminal terminal)
    {
        ReproductionResult result;
        using (var progress = new Progress(reproduction.Name, terminal))
            result = reproduction.Run(new ReproductionContext(isSmall, progress.Report));

        if (output.IsJson)
        {
            terminal.WriteText(stream => RowJson.Write(reproduction.Name, result.Rows, stream));
        }
        else
        {
            terminal.Out.WriteLine(reproduction.Title);
            terminal.Out.WriteLine();
            RowTable.Write(result.Rows, terminal.Out, terminal.Width);
        }

        if (output.Directory is { } directory)
        {
            using (var rows = File.Create(Path.Combine(directory, "rows.json"))) RowJson.Write(reproduction.Name, result.Rows, rows);
            var report = Path.Combine(directory, "report.html");
            using (var page = File.Create(report)) ReproductionPage.Make(reproduction, result, isSmall).Write(page);
            terminal.Error.WriteLine($"wrote {report} and rows.json beside it");
        }

        return ExitCodes.Ok;
    }
}
