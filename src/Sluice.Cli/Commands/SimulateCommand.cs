using System.CommandLine;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary><c>sluice simulate</c>: one workload through one system in virtual time.</summary>
public static class SimulateCommand
{
    public static Command Create()
    {
        var command = new Command("simulate", "Run a workload through a scheduling system in virtual time.");
        var run = new RunOptions(command);
        var output = new OutputOptions(command);
        command.SetAction(parsed => Execute(run.Read(parsed), output.Read(parsed)));
        return command;
    }

    private static int Execute(RunSpec spec, Output output)
    {
        var workload = Runner.LoadWorkload(spec);
        RunResult result;
        using (var progress = new Progress("simulating")) result = Runner.Run(spec, workload, progress.Report);

        var summary = RunSummary.Of(result, PeakMemory.Megabytes);
        if (output.IsJson)
        {
            using var stdout = Console.OpenStandardOutput();
            RunJson.Write(summary, stdout);
        }
        else
        {
            SummaryTable.Write(summary, Console.Out);
        }

        output.WriteFolder([result]);
        return ExitCodes.Ok;
    }
}
