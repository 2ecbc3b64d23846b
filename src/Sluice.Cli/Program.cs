using System.CommandLine;
using Sluice.Cli;
using Sluice.Core;

var root = new RootCommand("Sluice: SLO-aware queueing for LLM serving. What you simulate is what you run.")
{
    SimulateCommand.Create(),
    CompareCommand.Create(),
    ReproduceCommand.Create(),
    ValidateCommand.Create(),
    PoliciesCommand.Create(),
    ProfilesCommand.Create(),
};

try
{
    var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false };
    return await root.Parse(args).InvokeAsync(configuration);
}
catch (InputException e)
{
    Console.Error.WriteLine($"sluice: {e.Message}");
    return ExitCodes.BadInput;
}
catch (OperationCanceledException)
{
    return ExitCodes.Interrupted;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"sluice: {e.Message}");
    return ExitCodes.Failed;
}
