using System.CommandLine;

namespace Sluice.Cli;

/// <summary><c>sluice reproduce</c>: the experiments of a paper again, its claims beside what comes out here.</summary>
public static class ReproduceCommand
{
    public static Command Create()
    {
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
                List();
                return ExitCodes.Ok;
            }

            return Execute(ReproductionCatalog.Named(chosen), parsed.GetValue(small), output.Read(parsed));
        });
        return command;
    }

    private static void List()
    {
        foreach (var reproduction in ReproductionCatalog.All)
            Console.Out.WriteLine($"{reproduction.Name}\n    {reproduction.Title}\n    {reproduction.About}");
    }

    /// <summary>A claim that does not come out is a result and no failure.</summary>
    private static int Execute(IReproduction reproduction, bool isSmall, Output output)
    {
        ReproductionResult result;
        using (var progress = new Progress(reproduction.Name))
            result = reproduction.Run(new ReproductionContext(isSmall, progress.Report));

        if (output.IsJson)
        {
            using var stdout = Console.OpenStandardOutput();
            RowJson.Write(reproduction.Name, result.Rows, stdout);
        }
        else
        {
            Console.Out.WriteLine(reproduction.Title);
            Console.Out.WriteLine();
            RowTable.Write(result.Rows, Console.Out, RowTable.TerminalWidth);
        }

        if (output.Directory is { } directory)
        {
            using (var rows = File.Create(Path.Combine(directory, "rows.json"))) RowJson.Write(reproduction.Name, result.Rows, rows);
            var report = Path.Combine(directory, "report.html");
            using (var page = File.Create(report)) ReproductionPage.Make(reproduction, result, isSmall).Write(page);
            Console.Error.WriteLine($"wrote {report} and rows.json beside it");
        }

        return ExitCodes.Ok;
    }
}
