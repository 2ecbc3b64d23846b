using Sluice.Core;

namespace Sluice.Policies;

/// <summary>How requests become a plan.</summary>
public sealed record SaSloOptions
{
    /// <summary>Requests of a batch at most, Bmax; the engine's own limit holds besides. The paper has 1 to 8; 32 suits
    /// today's engines. [I]</summary>
    public int BatchMax { get; init; } = 32;

    /// <summary>Requests that one plan orders, so that its work is bounded. The paper's largest pool. [I]</summary>
    public int Window { get; init; } = 80;

    /// <summary>Differences of the objective count relative to the start's. False: as they are, per millisecond, where nearly
    /// every worse move is accepted.</summary>
    public bool IsNormalised { get; init; } = true;

    /// <summary>Temperature at the start. [R]</summary>
    public double Temperature { get; init; } = 500;

    /// <summary>And at the end. [R]</summary>
    public double Stop { get; init; } = 20;

    /// <summary>Factor from one temperature to the next. [R]</summary>
    public double Cooling { get; init; } = 0.95;

    /// <summary>Moves tried at each temperature; 0 leaves the better of the two first candidates. [R]</summary>
    public int Trials { get; init; } = 100;

    /// <summary>Share of an engine's KV that a round of assignment fills, μ. [R]</summary>
    public double MemoryShare { get; init; } = 0.9;

    /// <summary>Lengths are drawn from what is predicted; false for its mean. [R]</summary>
    public bool SamplesLengths { get; init; } = true;

    /// <summary>A batch begins when the engine is empty, as the plan reckons. False: its size caps what the engine holds, and
    /// whoever ends makes room for the next. [I]</summary>
    public bool IsSynchronous { get; init; }

    /// <summary>Arrivals at an engine after which what waits for it is planned anew. [I]</summary>
    public int ReplanArrivals { get; init; } = 8;

    /// <summary>Since arrival, after which a request goes ahead of every plan; zero for never. [I]</summary>
    public TimeSpan AgeCap { get; init; } = TimeSpan.FromMinutes(10);

    internal static SaSloOptions Read(PolicySettings s) => new()
    {
        BatchMax = s.Whole("batch-size", "requests of a batch at most", 32, 1, 1 << 16),
        Window = s.Whole("window", "requests that one plan orders", 80, 1, 4096),
        IsNormalised = s.Word("objective", "differences relative to the start, or per millisecond", "normalised", "raw") == "normalised",
        Temperature = s.Number("temperature", "temperature at the start", 500, 1e-3, 1e6),
        Stop = s.Number("stop", "temperature at the end", 20, 1e-3, 1e6),
        Cooling = s.Number("cooling", "factor from one temperature to the next", 0.95, 0.01, 0.999),
        Trials = s.Whole("trials", "moves tried at each temperature", 100, 0, 10_000),
        MemoryShare = s.Number("memory-share", "share of an engine's KV that a round of assignment fills", 0.9, 0.01, 1),
        SamplesLengths = s.Word("lengths", "drawn from what is predicted, or its mean", "sampled", "mean") == "sampled",
        IsSynchronous = s.Word("batches", "cap what an engine holds, or wait until it is empty", "cap", "wait") == "wait",
        ReplanArrivals = s.Whole("replan-arrivals", "arrivals at an engine after which it is planned anew", 8, 1, 1 << 20),
        AgeCap = TimeSpan.FromSeconds(
            s.Number("age-cap", "seconds after which a request goes ahead of every plan, 0 for never", 600, 0, 1e6)),
    };
}
