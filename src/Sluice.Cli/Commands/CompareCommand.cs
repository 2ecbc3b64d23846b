using System.CommandLine;
using Sluice.Core;
using Sluice.Policies;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary><c>sluice compare</c>: several runs side by side on the same arrivals.</summary>
public static class CompareCommand
{
    private const int RunsMax = 1000;
    private const int SeedsMax = 100;

    /// <summary>Of <c>--systems all</c>; fewer make intervals several times as wide.</summary>
    private const int SeedsOfAll = 5;

    public static Command Create(Terminal terminal)
    {
        var command = new Command(
            "compare", "Run several systems, rates or fleet sizes on the same arrivals, side by side and in parallel.");
        var systems = List("--systems", "systems, or all that can run so", "NAME,..");
        var scales = List("--scales", "factors on the arrival rate", "F,..");
        var fleets = List("--fleets", "fleet sizes [engines]", "N,..");
        var vary = List("--vary", "values of any flag or setting, e.g. router=random,least-kv; | for , where values have commas;"
            + " repeat for combinations", "KEY=V,..");
        var seeds = new Option<string>("--seeds")
        {
            Description = "rank the runs over N seeds from --seed on, with intervals [5 with --systems all, else no ranking]",
            HelpName = "N",
        };
        var threads = new Option<string>("--threads") { Description = "runs at once [one per core]", HelpName = "N" };
        foreach (var option in (Option[])[systems, scales, fleets, vary, seeds, threads]) command.Options.Add(option);
        var run = new RunOptions(command);
        var output = new OutputOptions(command);
        command.SetAction(parsed =>
        {
            var specs = new List<RunSpec> { run.Read(parsed) };
            var isAll = Split(parsed.GetValue(systems)) is ["all"];
            specs = Expand(specs, "system", isAll ? [.. Catalog.Entries.Select(e => e.Name)] : Split(parsed.GetValue(systems)));
            specs = Expand(specs, "scale", Split(parsed.GetValue(scales)));
            specs = Expand(specs, "engines", Split(parsed.GetValue(fleets)));
            foreach (var text in parsed.GetValue(vary) ?? []) specs = Vary(specs, text);
            var atOnce = parsed.GetValue(threads) is { } n ? RunFlag.Whole("threads", n, 1, 1024) : Environment.ProcessorCount;
            var seedCount = parsed.GetValue(seeds) is { } k ? RunFlag.Whole("seeds", k, 1, SeedsMax) : isAll ? SeedsOfAll : 0;

            var leftOut = isAll ? LeaveOut(specs) : [];
            foreach (var spec in specs) Runner.Check(spec);
            return seedCount == 0
                ? Compare(specs, atOnce, output.Read(parsed), terminal)
                : Rank(specs, seedCount, leftOut, atOnce, output.Read(parsed), terminal);
        });
        return command;
    }

    private static int Compare(List<RunSpec> specs, int threads, Output output, Terminal terminal)
    {
        var ran = ComparisonRuns.Of(specs, threads, _ => output.Directory is not null, timesDecisions: false, terminal);
        if (output.IsJson) terminal.WriteText(stream => RunJson.Write(ran.Summaries, stream));
        else ComparisonTable.Write(ran.Summaries, terminal.Out, terminal.Width);

        output.WriteFolder([.. ran.Runs.OfType<RunResult>()], terminal);
        return ExitCodes.Ok;
    }

    /// <summary>Every spec at each of so many seeds, counted from its own.</summary>
    private static int Rank(
        List<RunSpec> specs, int seeds, IReadOnlyList<(string System, string Reason)> leftOut, int threads, Output output,
        Terminal terminal)
    {
        if (specs.Count * seeds > RunsMax)
            throw new InputException($"compare: {specs.Count * seeds} runs asked for, at most {RunsMax} make one table.");

        // Seed by seed, so that one workload is in memory at a time.
        RunSpec[] all = [.. Enumerable.Range(0, seeds).SelectMany(k => specs.Select(s => s with { Seed = s.Seed + (ulong)k }))];
        var ran = ComparisonRuns.Of(
            all, threads, s => output.Directory is not null && s.Seed == specs[0].Seed, timesDecisions: true, terminal);
        var ranking = Ranking.Of(
            [.. specs.Select((_, i) => (IReadOnlyList<RunSummary>)OverSeeds(ran.Summaries, i))],
            [.. specs.Select((_, i) => OverSeeds(ran.Decisions, i).Min())]) with
        {
            Varies = string.Join(" ", specs.Select(Runner.VariesBySeed).Distinct()),
        };

        if (output.IsJson)
        {
            terminal.WriteText(stream => RunJson.Write(ranking, ran.Summaries, leftOut, stream));
        }
        else
        {
            RankingTable.Write(ranking, terminal.Out, terminal.Width);
            foreach (var (system, reason) in leftOut) terminal.Out.Write($"{system} is left out: {reason.Split(". ")[0]}.\n");
        }

        if (output.Directory is { } directory)
        {
            RunFolder.Write(directory, ranking, [.. ran.Runs.OfType<RunResult>()], ran.Summaries, leftOut, terminal.Stop);
            output.SayWritten(terminal);
        }

        return ExitCodes.Ok;

        T[] OverSeeds<T>(IReadOnlyList<T> values, int spec) => [.. Enumerable.Range(0, seeds).Select(k => values[k * specs.Count + spec])];
    }

    /// <summary>Takes out of "all" what cannot run as the flags say.</summary>
    /// <returns>What was taken out, and why.</returns>
    /// <exception cref="InputException">Nothing is left.</exception>
    private static List<(string System, string Reason)> LeaveOut(List<RunSpec> specs)
    {
        var leftOut = new List<(string System, string Reason)>();
        specs.RemoveAll(spec =>
        {
            try
            {
                Runner.Check(spec);
                return false;
            }
            catch (InputException e)
            {
                if (leftOut.All(l => l.System != spec.System)) leftOut.Add((spec.System, e.Message));
                return true;
            }
        });
        return specs.Count > 0 ? leftOut : throw new InputException(leftOut[0].Reason);
    }

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

    private static IReadOnlyList<string> Split(string[]? texts, char separator = ',') =>
        [.. (texts ?? []).SelectMany(t => t.Split(separator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];

    private static Option<string[]> List(string name, string description, string argument) =>
        new(name) { Description = description, HelpName = argument, Arity = ArgumentArity.OneOrMore };
}
