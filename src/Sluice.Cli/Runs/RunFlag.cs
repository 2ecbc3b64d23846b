using System.Globalization;
using Sluice.Core;

namespace Sluice.Cli;

/// <summary>One flag of a run: the same line serves the command line, the configuration file and the help.</summary>
/// <param name="Apply">Puts a value into a spec.</param>
public sealed record RunFlag(string Name, string Argument, string Help, Func<RunSpec, string, RunSpec> Apply)
{
    /// <summary>Whether the values of a flag given more than once add up to one list, with commas between them.</summary>
    public bool IsList { get; init; }

    /// <summary>All flags that describe a run, in the order of <c>--help</c>.</summary>
    public static IReadOnlyList<RunFlag> All { get; } =
    [
        new("trace", "FILE", "replay a recorded workload: CSV or JSON lines, plain or .gz", (s, v) => s with { Trace = v }),
        new("format", "NAME", "of the trace: auto, azure, burstgpt, mooncake, csv, jsonl, ... [auto]", (s, v) => s with { Format = v }),
        new("arrivals", "SPEC", "arrivals that replace the trace's own, e.g. poisson:rate=4", (s, v) => s with { Arrivals = v }),
        new("workload", "SPEC", "generate one, e.g. poisson:rate=2,n=2000,prompt=512,output=128; "
            + "'sluice workloads' explains [sample]", (s, v) => s with { Workload = v }),
        new("take", "N", "only the first N requests", (s, v) => s with { Take = Whole("take", v, 1) }),
        new("window", "F", "only this share of the workload's time, 0.5 for half, from a start that the seed draws [1]",
            (s, v) => s with { Window = Number("window", v, 1e-6, 1) }),
        new("scale", "F", "multiply the arrival rate [1]", (s, v) => s with { Scale = Number("scale", v, 1e-3, 1e6) }),
        new("seed", "N", "seed of everything random [42]", (s, v) => s with { Seed = (ulong)Whole("seed", v, 0) }),
        new("system", "NAME", "scheduling system; see 'sluice policies' [vllm-v1]", (s, v) => s with { System = v }),
        new("set", "KEY=VALUE", "settings of the system; see 'sluice policies NAME'; repeat, or commas", AddSettings) { IsList = true },
        new("profile", "NAME|FILE", "model on device; see 'sluice profiles'; or a list, e.g. 1xNAME,2xNAME [llama-3.1-8b@a100]",
            (s, v) => s with { Profile = v }) { IsList = true },
        new("engines", "N", "engines in the fleet [1]", (s, v) => s with { Engines = Whole("engines", v, 1, Fleet.EnginesMax) }),
        new("per-device", "N", "so many engines share one device and its memory [1]",
            (s, v) => s with { PerDevice = Whole("per-device", v, 1, 64) }),
        new("token-budget", "N", "most tokens computed in one step [2048]",
            (s, v) => s with { TokenBudget = Whole("token-budget", v, 1, 1 << 24) }),
        new("max-seqs", "N", "most sequences in one engine's batch [256]",
            (s, v) => s with { MaxSeqs = Whole("max-seqs", v, 1, 1 << 20) }),
        new("block-tokens", "N", "tokens per KV block [16]", (s, v) => s with { BlockTokens = Whole("block-tokens", v, 1, 65_536) }),
        new("kv-tokens", "N", "KV tokens per engine [from the profile]", (s, v) => s with { KvTokens = Whole("kv-tokens", v, 1) }),
        new("outstanding-max", "N", "most requests outstanding on one engine; more wait in the queue [no limit]",
            (s, v) => s with { OutstandingMax = Whole("outstanding-max", v, 1) }),
        new("patience", "TIME", "callers leave when no first token came for this long, e.g. 2s [never]",
            (s, v) => s with { Patience = v }),
        new("slo", "SPEC", "ttft=1s,tpot=50ms,e2e=30s, or a mix: chat:0.6,ttft=1s;batch:0.4,e2e=1h", (s, v) => s with { Slo = v }),
        new("reader-pace", "N", "tokens per second that a reader takes in, for smooth goodput [5]",
            (s, v) => s with { ReaderPace = Number("reader-pace", v, 1e-3, 1e6) }),
        new("idle-penalty", "N", "tokens that a second of the reader's idling costs, for smooth goodput [2.5]",
            (s, v) => s with { IdlePenalty = Number("idle-penalty", v, 0, 1e6) }),
        new("models", "LIST", "models every engine can load: chat=llama-2-7b@a100,big=llama-2-13b@a100; needs a system that loads models",
            (s, v) => s with { Models = v }),
    ];

    /// <exception cref="InputException">No such flag; the message names the nearest.</exception>
    public static RunFlag Named(string name, string where)
    {
        string[] names = [.. All.Select(f => f.Name)];
        return All.FirstOrDefault(f => f.Name == name) ??
            throw new InputException($"{where}: unknown key '{name}'{Nearest.Hint(name, names)}. Known: {string.Join(", ", names)}.");
    }

    /// <exception cref="InputException">The text is no whole number in the range.</exception>
    internal static int Whole(string flag, string text, int min, int max = int.MaxValue) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max
            ? value
            : throw new InputException(FormattableString.Invariant($"--{flag} {text}: expected a whole number from {min} to {max}."));

    internal static double Number(string flag, string text, double min, double max) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max
            ? value
            : throw new InputException(FormattableString.Invariant($"--{flag} {text}: expected a number from {min} to {max}."));

    private static RunSpec AddSettings(RunSpec spec, string text)
    {
        var set = new SortedDictionary<string, string>(spec.Set, StringComparer.Ordinal);
        foreach (var part in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var equals = part.IndexOf('=');
            if (equals <= 0) throw new InputException($"--set {part}: expected key=value.");
            set[part[..equals].Trim()] = part[(equals + 1)..].Trim();
        }

        return spec with { Set = set };
    }
}
