using System.CommandLine;
using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary><c>sluice replay</c>: yesterday's traffic, from the gateway's journal, under any policy.</summary>
public static class ReplayCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new Command("replay", "Run a gateway's journal through the simulator, under any policy.");
        var file = new Argument<string>("file")
        {
            Description = "a journal that 'sluice serve --data DIR' wrote, DIR/journal/journal-*.jsonl",
        };
        command.Arguments.Add(file);
        var run = new RunOptions(command);
        var output = new OutputOptions(command);
        command.SetAction(parsed =>
        {
            var spec = run.Read(parsed);
            if (spec.Trace is not null || spec.Workload is not null)
                throw new InputException("replay: the journal is the workload; expected neither --trace nor --workload.");
            spec = spec with { Trace = parsed.GetValue(file), Format = "jsonl" };
            var isFree = !run.IsGiven(parsed, "system") && spec.System == new RunSpec().System;
            if (isFree && File.Exists(spec.Trace)) spec = AsRecorded(spec);
            Runner.Check(spec);
            var recorded = RecordedFates.Read(spec.Trace!);
            var workload = Runner.LoadWorkload(spec, terminal.Stop);
            return Execute(spec, workload, recorded, output.Read(parsed), terminal);
        });
        return command;
    }

    /// <summary>Under the policy that the gateway had, unless somebody wants another; settings that are given besides win.</summary>
    private static RunSpec AsRecorded(RunSpec spec)
    {
        if (RecordedFates.PolicyOf(spec.Trace!) is not { } recorded) return spec;
        var set = new SortedDictionary<string, string>(spec.Set, StringComparer.Ordinal);
        foreach (var (key, value) in recorded.Set) set.TryAdd(key, value);
        return spec with { System = recorded.System, Set = set };
    }

    private static int Execute(RunSpec spec, Workload workload, RecordedFates recorded, Output output, Terminal terminal)
    {
        RunResult result;
        using (var progress = new Progress("replaying", terminal)) result = Runner.Run(spec, workload, progress.Report);
        var summary = RunSummary.Of(result, PeakMemory.Megabytes);
        if (output.IsJson)
        {
            terminal.WriteText(stream => RunJson.Write(summary, stream));
        }
        else
        {
            SummaryTable.Write(summary, terminal.Out);
            Compare(summary, recorded, terminal.Out);
        }

        output.WriteFolder([result], terminal);
        return ExitCodes.Ok;
    }

    private static void Compare(RunSummary run, RecordedFates recorded, TextWriter writer)
    {
        writer.WriteLine();
        writer.WriteLine(
            $"{"",-22}{"requests",10}{"SLO met",10}{"TTFT p50",11}{"TTFT p99",11}{"E2E p50",11}{"E2E p99",11}{"evictions",11}");
        Row("recorded", recorded.Requests, recorded.Met / (double)recorded.Requests, recorded.Ttft, recorded.E2e, recorded.Evictions);
        Row("replayed, " + TextOf(run.System), run.All.Requests, run.All.SloAttainment, run.All.Ttft, run.All.E2e, run.Evictions);
        if (recorded.Requests > run.All.Requests)
        {
            writer.WriteLine(
                "Requests without an answer (refused, or given up before a token) are not replayed: how long they would have been "
                + "is not known.");
        }

        writer.Flush();

        void Row(string name, long requests, double met, Distribution ttft, Distribution e2e, long evictions) => writer.WriteLine(
            $"{name,-22}{Figures.Count(requests),10}{Figures.Share(met),10}{Figures.Latency(ttft.P50),11}{Figures.Latency(ttft.P99),11}"
            + $"{Figures.Latency(e2e.P50),11}{Figures.Latency(e2e.P99),11}{Figures.Count(evictions),11}");

        static string TextOf(string name) => name.Length <= 11 ? name : name[..10] + "…";
    }
}
