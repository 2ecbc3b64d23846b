using Sluice.Core;
using Sluice.Policies;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>The paper's smallest set-up, OPT-13B on one A100-40GB, and the systems it compares on it. All constants are
/// here; none was fitted to a result.</summary>
internal static class Opt13b
{
    public const int BlockTokens = 16;

    /// <summary>Positions of OPT, and what a maximal reservation takes.</summary>
    public const int ModelTokensMax = 2048;

    /// <summary>KV memory of the set-up, from memory of the paper's table 1.</summary>
    public const int KvTokens = 15_700;

    /// <summary>KV memory of the paper's largest set-up, OPT-175B on 8 A100-80GB, likewise.</summary>
    public const int AmpleKvTokens = 60_100;

    /// <summary>DistServe's published fit for OPT-13B [ms]: a prefill of N tokens in all and lengths l takes
    /// 22.1 + 0.1405 N + 8.1e-6 Σl², a decode of D sequences with C tokens of context 23.5 + 0.0607 D + 5.93e-4 C.</summary>
    public static EngineProfile Profile { get; } = new()
    {
        Name = "opt-13b@a100-40gb",
        Model = "opt-13b",
        Device = "A100-40GB",
        Coefficients = new() { A = 23.5, B = 0.1405, C = 0.0607, D = 5.93e-4, E = 2 * 8.1e-6 },
        KvBytesPerToken = 2 * 40 * 5120 * 2,
        KvTokens = KvTokens,
        WeightGigabytes = 26,
        FirstTokenExtraIterations = 0,
        ApiOverheadMilliseconds = 0,
        Origin = "step times from DistServe (OSDI 2024), KV memory from PagedAttention (SOSP 2023)",
    };

    /// <summary>The paper's systems, in the order it draws them. The first is the one it proposes.</summary>
    public static IReadOnlyList<Server> Servers { get; } =
    [
        new("vLLM", "vllm-v0", "paged"),
        new("Orca (Oracle)", "orca", "reserve-oracle"),
        new("Orca (Pow2)", "orca", "reserve-pow2"),
        new("Orca (Max)", "orca", "reserve-max"),
        new("FasterTransformer", "static", "reserve-max"),
    ];

    /// <summary>No system of the paper: its memory under Orca's scheduler, to tell what paging does from what the order of
    /// prompts does.</summary>
    public static Server PagedOrca { get; } = new("Orca, paged", "orca", "paged");

    public static Server Vllm => Servers[0];
    public static Server OrcaOracle => Servers[1];
    public static Server OrcaMax => Servers[3];
    public static Server FasterTransformer => Servers[4];

    public static SimulationOptions Options(int blockTokens = BlockTokens, int kvTokens = KvTokens, bool skipSteps = true) => new()
    {
        Engines = [Profile],
        Limits = new EngineLimits(TokenBudget: ModelTokensMax, SequencesMax: 256, SkipStableSteps: skipSteps),
        BlockTokens = blockTokens,
        KvTokens = kvTokens,
        ModelTokensMax = ModelTokensMax,
    };
}

/// <summary>A system as the paper names it, and what it is here.</summary>
internal sealed record Server(string Name, string System, string Kv)
{
    public ServingSystem Make() => Catalog.Make(System, new(new Dictionary<string, string> { ["kv"] = Kv }));

    public override string ToString() => $"{Name} is {System} with kv={Kv}";
}
