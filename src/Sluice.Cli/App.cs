using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Sluice.Core;

namespace Sluice.Cli;

/// <summary>The whole command line: arguments in, an exit code out. The one place where an exception becomes a
/// message.</summary>
public static class App
{
    public static int Run(string[] args, Terminal terminal)
    {
        try
        {
            // No response files: '@' stands in profile names.
            var parsed = Root(terminal).Parse(
                args.Length == 0 ? ["--help"] : args, new ParserConfiguration { ResponseFileTokenReplacer = null });
            if (parsed.Action is ParseErrorAction) throw new InputException(ParseErrors.Describe(parsed));

            return parsed.Invoke(new()
            {
                EnableDefaultExceptionHandler = false,
                Output = terminal.Out,
                Error = terminal.Error,
                ProcessTerminationTimeout = null,
            });
        }
        catch (Exception e) when (CodeOf(e) >= 0)
        {
            var cause = CauseOf(e);
            var message = cause is OperationCanceledException ? "interrupted" : cause.Message.ReplaceLineEndings(" ");
            terminal.Error.WriteLine($"sluice: {message}");
            return CodeOf(e);
        }
    }

    /// <returns>-1 for what is a fault of ours.</returns>
    private static int CodeOf(Exception e) => CauseOf(e) switch
    {
        InputException => ExitCodes.BadInput,
        OperationCanceledException => ExitCodes.Interrupted,
        IOException or UnauthorizedAccessException => ExitCodes.Failed,
        _ => -1,
    };

    /// <summary>Of what went wrong on several cores: the bad input if there is one, else whatever came first.</summary>
    private static Exception CauseOf(Exception e)
    {
        if (e is not AggregateException several) return e;
        var causes = several.Flatten().InnerExceptions;
        return causes.FirstOrDefault(cause => cause is InputException) ?? causes[0];
    }

    private static RootCommand Root(Terminal terminal)
    {
        var root = new RootCommand("Sluice: SLO-aware queueing for LLM serving. What you simulate is what you run.")
        {
            ServeCommand.Create(terminal),
            SimulateCommand.Create(terminal),
            RunCommand.Create(terminal),
            ProfileCommand.Create(terminal),
            CompareCommand.Create(terminal),
            PredictorCommand.Create(terminal),
            ReplayCommand.Create(terminal),
            ReproduceCommand.Create(terminal),
            ValidateCommand.Create(terminal),
            TopCommand.Create(terminal),
            BenchCommand.Create(terminal),
            WorkloadsCommand.Create(terminal),
            PoliciesCommand.Create(terminal),
            ProfilesCommand.Create(terminal),
            ConfigCommand.Create(terminal),
            TokenizeCommand.Create(terminal),
        };
        foreach (var help in root.Options.OfType<HelpOption>())
            if (help.Action is HelpAction action) action.MaxWidth = terminal.Width;
        return root;
    }
}
