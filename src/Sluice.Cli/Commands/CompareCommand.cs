using System.CommandLine;
using Sluice.Core;
using Sluice.Policies;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary><c>sluice compare</c>: several runs side by side on the same arrivals.</summary>
public static class CompareCommand
{
    private const int RunsMax = 1000;

    public static Command Create()
    {
        var command = new Command(
            "compare", "Run several systems, rates or fleet sizes on the same arrivals, side by side and in parallel.");
        var systems = List("--systems", "systems, or all", "NAME,..");
        var scales = List("--scales", "factors on the arrival rate", "F,..");
        var fleets = List("--fleets", "fleet sizes", "N,..");
        var vary = List("--vary", "any flag or setting and its values, e.g. router=random,least-kv; repeat for combinations", "KEY=V,..");
        var threads = new Option<int>("--threads")
        {
            Description = "runs at once [one per core]",
            HelpName = "N",
            DefaultValueFactory = _ => Environment.ProcessorCount,
        };
        foreach (var option in (Option[])[systems, scales, fleets, vary, threads]) command.Options.Add(option);
        var run = new RunOptions(command);
        var output = new OutputOptions(command);
        command.SetAction(parsed =>
        {
            var specs = new List<RunSpec> { run.Read(parsed) };
            specs = Expand(specs, "system", Systems(parsed.GetValue(systems)));
            specs = Expand(specs, "scale", Split(parsed.GetValue(scales)));
            specs = Expand(specs, "engines", Split(parsed.GetValue(fleets)));
            foreach (var text in parsed.GetValue(vary) ?? [])
            {
                var equals = text.IndexOf('=');
                if (equals <= 0) throw new InputException($"--vary {text}: expected key=value,value,...");
                specs = Expand(specs, text[..equals], Split([text[(equals + 1)..]]));
            }

            return Execute(specs, Math.Max(1, parsed.GetValue(threads)), output.Read(parsed));
        });
        return command;
    }

    private static int Execute(List<RunSpec> specs, int threads, Output output)
    {
        foreach (var spec in specs) Catalog.Make(spec.System, new PolicySettings(spec.Set)); // Refuse before running.
        var results = new RunResult[specs.Count];
        var shares = new double[specs.Count];
        using (var progress = new Progress($"{specs.Count} runs"))
        {
            // Runs that differ in neither workload nor rate share one workload in memory.
            foreach (var group in Enumerable.Range(0, specs.Count).GroupBy(i => WorkloadKey(specs[i])))
            {
                var workload = Runner.LoadWorkload(specs[group.First()]);
                Parallel.ForEach(group, new ParallelOptions { MaxDegreeOfParallelism = threads }, i =>
                    results[i] = Runner.Run(specs[i], workload, share =>
                    {
                        shares[i] = share;
                        progress.Report(shares.Average());
                    }));
            }
        }

        RunSummary[] summaries = [.. results.Select(r => RunSummary.Of(r, PeakMemory.Megabytes))];
        if (output.IsJson)
        {
            using var stdout = Console.OpenStandardOutput();
            RunJson.Write(summaries, stdout);
        }
        else
        {
            ComparisonTable.Write(summaries, Console.Out);
        }

        output.WriteFolder(results);
        return ExitCodes.Ok;
    }

    private static (string?, string, string, string?, int?, double, ulong, int, string?, bool) WorkloadKey(RunSpec s) =>
        (s.Trace, s.Format, s.Workload, s.Arrivals, s.Take, s.Scale, s.Seed, s.BlockTokens, s.Slo, Runner.UsesPrefixes(s));

    private static List<RunSpec> Expand(List<RunSpec> specs, string key, IReadOnlyList<string> values)
    {
        if (values.Count == 0) return specs;
        var flag = RunFlag.All.FirstOrDefault(f => f.Name == key);
        var expanded = specs
            .SelectMany(s => values.Select(v => flag is null ? RunFlag.Named("set", "--vary").Apply(s, $"{key}={v}") : flag.Apply(s, v)))
            .ToList();
        if (expanded.Count > RunsMax) throw new InputException($"compare: {expanded.Count} runs asked for, at most {RunsMax} make one table.");
        return expanded;
    }

    private static IReadOnlyList<string> Systems(string[]? texts) =>
        Split(texts) is ["all"] ? [.. Catalog.Entries.Select(e => e.Name)] : Split(texts);

    private static IReadOnlyList<string> Split(string[]? texts) =>
        [.. (texts ?? []).SelectMany(t => t.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];

    private static Option<string[]> List(string name, string description, string argument) =>
        new(name) { Description = description, HelpName = argument, Arity = ArgumentArity.OneOrMore };
}
