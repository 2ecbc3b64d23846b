using System.Globalization;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>One run as the user described it: flag names without dashes, and their values, defaults filled in. Everything
/// a run depends on is in here, so a saved spec repeats it.</summary>
public sealed record RunSpec
{
    /// <summary>What is generated when neither a trace nor a workload is named.</summary>
    public const string UsualWorkload = SampleTrace.Name;

    /// <summary>Recorded workload to replay; when null, <see cref="Workload"/> is generated.</summary>
    public string? Trace { get; init; }

    public string Format { get; init; } = "auto";
    public int? Take { get; init; }

    /// <summary>Share of the workload's time that is run, from a start that the seed draws.</summary>
    public double Window { get; init; } = 1;

    public double Scale { get; init; } = 1;
    public string? Arrivals { get; init; }
    public string? Workload { get; init; }
    public ulong Seed { get; init; } = 42;
    public string System { get; init; } = "vllm-v1";
    public string Profile { get; init; } = "llama-3.1-8b@a100";

    /// <summary>Null for one, or for as many as <see cref="Profile"/> lists.</summary>
    public int? Engines { get; init; }

    /// <summary>Engines on one device.</summary>
    public int PerDevice { get; init; } = 1;

    public int TokenBudget { get; init; } = 2048;
    public int MaxSeqs { get; init; } = 256;
    public int BlockTokens { get; init; } = 16;
    public int? KvTokens { get; init; }
    public int? OutstandingMax { get; init; }
    public string? Patience { get; init; }
    public string? Slo { get; init; }

    /// <summary>Pace of the reader that smooth goodput has in mind [tokens/s].</summary>
    public double ReaderPace { get; init; } = 5;

    /// <summary>What a second of the reader's idling costs [tokens].</summary>
    public double IdlePenalty { get; init; } = 2.5;

    /// <summary>Models that every engine can load, and their profiles: <c>chat=llama-2-7b@a100,big=llama-2-13b@a100</c>. Null for
    /// one model, that of <see cref="Profile"/>.</summary>
    public string? Models { get; init; }

    /// <summary>Settings of the system, sorted by key.</summary>
    public SortedDictionary<string, string> Set { get; init; } = new(StringComparer.Ordinal);

    /// <summary>Flags and values that repeat this run, in the order of <c>--help</c>; values left at their defaults
    /// included, so that a later change of a default changes nothing.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> ToSettings()
    {
        var settings = new List<KeyValuePair<string, string>>();
        if (Trace is not null)
        {
            AddText("trace", Trace);
            AddText("format", Format);
            AddText("arrivals", Arrivals);
        }
        else
        {
            AddText("workload", Workload ?? UsualWorkload);
        }

        Add("take", Take);
        Add("window", Window);
        Add("scale", Scale);
        Add("seed", Seed);
        AddText("system", System);
        AddText("profile", Profile);
        Add("engines", Fleet.Count(this));
        Add("per-device", PerDevice);
        Add("token-budget", TokenBudget);
        Add("max-seqs", MaxSeqs);
        Add("block-tokens", BlockTokens);
        Add("kv-tokens", KvTokens);
        Add("outstanding-max", OutstandingMax);
        AddText("patience", Patience);
        AddText("slo", Slo);
        Add("reader-pace", ReaderPace);
        Add("idle-penalty", IdlePenalty);
        AddText("models", Models);
        if (Set.Count > 0) AddText("set", string.Join(',', Set.Select(s => $"{s.Key}={s.Value}")));
        return settings;

        void Add(string flag, IFormattable? value) => AddText(flag, value?.ToString(null, CultureInfo.InvariantCulture));
        void AddText(string flag, string? value)
        {
            if (value is not null) settings.Add(new(flag, value));
        }
    }
}
