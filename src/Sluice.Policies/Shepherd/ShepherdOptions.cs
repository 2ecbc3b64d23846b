namespace Sluice.Policies;

public sealed record ShepherdOptions
{
    /// <summary>Time between two plans while something waits.</summary>
    public TimeSpan Tick { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Running batches give way to one that would be late.</summary>
    public bool Preemption { get; init; } = true;

    /// <summary>Batches planned ahead per engine; what lies further is planned when it comes nearer.</summary>
    public int LookaheadBatches { get; init; } = 4;

    public static ShepherdOptions Read(PolicySettings s) => new()
    {
        Tick = TimeSpan.FromSeconds(s.Number("tick", "time between two plans [s]", 1, 0.05, 3600)),
        Preemption = s.Word("preemption", "running batches give way to one that would be late", "on", "off") == "on",
    };
}
