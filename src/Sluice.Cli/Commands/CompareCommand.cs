using System.CommandLine;
using Sluice.Core;
using Sluice.Policies;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary><c>sluice compare</c>: several runs side by side on the same arrivals.</summary>
public static class CompareCommand
{
    private const int RunsMax = 1000;

    public static Command Create(Terminal terminal)
    {
        var command = new Command(
            "compare", "Run several systems, rates or fleet sizes on the same arrivals, side by side and in parallel.");
        var systems = List("--systems", "systems, or all", "NAME,..");
        var scales = List("--scales", "factors on the arrival rate", "F,..");
        var fleets = List("--fleets", "fleet sizes [engines]", "N,..");
        var vary = List("--vary", "values of any flag or setting, e.g. router=random,least-kv; | for , where values have commas;"
            + " repeat for combinations", "KEY=V,..");
        var threads = new Option<string>("--threads") { Description = "runs at once [one per core]", HelpName = "N" };
        foreach (var option in (Option[])[systems, scales, fleets, vary, threads]) command.Options.Add(option);
        var run = new RunOptions(command);
        var output = new OutputOptions(command);
        command.SetAction(parsed =>
        {
            var specs = new List<RunSpec> { run.Read(parsed) };
            specs = Expand(specs, "system", Systems(parsed.GetValue(systems)));
            specs = Expand(specs, "scale", Split(parsed.GetValue(scales)));
            specs = Expand(specs, "engines", Split(parsed.GetValue(fleets)));
            foreach (var text in parsed.GetValue(vary) ?? []) specs = Vary(specs, text);
            var atOnce = parsed.GetValue(threads) is { } n ? RunFlag.Whole("threads", n, 1, 1024) : Environment.ProcessorCount;

            foreach (var spec in specs) Runner.Check(spec);
            return Execute(specs, atOnce, output.Read(parsed), terminal);
        });
        return command;
    }

    private static int Execute(List<RunSpec> specs, int threads, Output output, Terminal terminal)
    {
        var results = new RunResult[specs.Count];
        var shares = new double[specs.Count];
        using (var progress = new Progress($"{specs.Count} runs", terminal))
        {
            // Runs that differ in neither workload nor rate share one workload in memory.
            foreach (var group in Enumerable.Range(0, specs.Count).GroupBy(i => WorkloadKey(specs[i])))
            {
                var workload = Runner.LoadWorkload(specs[group.First()], terminal.Stop);
                Parallel.ForEach(group, new ParallelOptions { MaxDegreeOfParallelism = threads }, i =>
                    results[i] = Runner.Run(specs[i], workload, share =>
                    {
                        shares[i] = share;
                        progress.Report(shares.Average());
                    }));
            }
        }

        RunSummary[] summaries = [.. results.Select(r => RunSummary.Of(r, PeakMemory.Megabytes))];
        if (output.IsJson) terminal.WriteText(stream => RunJson.Write(summaries, stream));
        else ComparisonTable.Write(summaries, terminal.Out, terminal.Width);

        output.WriteFolder(results, terminal);
        return ExitCodes.Ok;
    }

    private static (string?, string, string?, string?, int?, double, ulong, int, string?, bool) WorkloadKey(RunSpec s) =>
        (s.Trace, s.Format, s.Workload, s.Arrivals, s.Take, s.Scale, s.Seed, s.BlockTokens, s.Slo, Runner.UsesPrefixes(s));

    private static List<RunSpec> Vary(List<RunSpec> specs, string text)
    {
        var equals = text.IndexOf('=');
        if (equals <= 0) throw new InputException($"--vary {text}: expected key=value,value,...");

        var (key, rest) = (text[..equals].Trim(), text[(equals + 1)..]);
        var settings = specs.Select(s => s.System).Distinct().SelectMany(SettingsOf);
        string[] known = [.. RunFlag.All.Select(f => f.Name).Concat(settings).Distinct().Except(["set"])];
        if (!known.Contains(key))
            throw new InputException(
                $"--vary {key}: no such flag or setting{Nearest.Hint(key, known)}. Known: {string.Join(", ", known)}.");

        var values = Split([rest], rest.Contains('|') ? '|' : ',');
        return values.Count > 0 ? Expand(specs, key, values) : throw new InputException($"--vary {text}: expected key=value,value,...");
    }

    private static IEnumerable<string> SettingsOf(string system)
    {
        var settings = PolicySettings.None;
        Catalog.Make(system, settings);
        return settings.Read.Select(s => s.Key);
    }

    private static List<RunSpec> Expand(List<RunSpec> specs, string key, IReadOnlyList<string> values)
    {
        if (values.Count == 0) return specs;
        var flag = RunFlag.All.FirstOrDefault(f => f.Name == key);
        var expanded = specs
            .SelectMany(s => values.Select(v => flag is null ? RunFlag.Named("set", "--vary").Apply(s, $"{key}={v}") : Apply(flag, s, v)))
            .ToList();
        return expanded.Count <= RunsMax
            ? expanded
            : throw new InputException($"compare: {expanded.Count} runs asked for, at most {RunsMax} make one table.");
    }

    private static RunSpec Apply(RunFlag flag, RunSpec spec, string value) => flag.Name switch
    {
        "trace" => flag.Apply(spec with { Workload = null }, value),
        "workload" => flag.Apply(spec with { Trace = null }, value),
        _ => flag.Apply(spec, value),
    };

    private static IReadOnlyList<string> Systems(string[]? texts) =>
        Split(texts) is ["all"] ? [.. Catalog.Entries.Select(e => e.Name)] : Split(texts);

    private static IReadOnlyList<string> Split(string[]? texts, char separator = ',') =>
        [.. (texts ?? []).SelectMany(t => t.Split(separator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];

    private static Option<string[]> List(string name, string description, string argument) =>
        new(name) { Description = description, HelpName = argument, Arity = ArgumentArity.OneOrMore };
}
