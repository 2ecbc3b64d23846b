using System.CommandLine;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary><c>sluice simulate</c>: one workload through one system in virtual time.</summary>
public static class SimulateCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new Command("simulate", "Run a workload through a scheduling system in virtual time.");
        var run = new RunOptions(command);
        var output = new OutputOptions(command);
        command.SetAction(parsed =>
        {
            var spec = run.Read(parsed);
            Runner.Check(spec);
            var workload = Runner.LoadWorkload(spec, terminal.Stop);
            return Execute(spec, workload, output.Read(parsed), terminal);
        });
        return command;
    }

    private static int Execute(RunSpec spec, Workload workload, Output output, Terminal terminal)
    {
        RunResult result;
        using (var progress = new Progress("simulating", terminal)) result = Runner.Run(spec, workload, progress.Report);

        var summary = RunSummary.Of(result, PeakMemory.Megabytes);
        if (output.IsJson) terminal.WriteText(stream => RunJson.Write(summary, stream));
        else SummaryTable.Write(summary, terminal.Out);

        output.WriteFolder([result], terminal);
        return ExitCodes.Ok;
    }
}
