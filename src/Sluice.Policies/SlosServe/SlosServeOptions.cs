namespace Sluice.Policies;

public sealed record SlosServeOptions
{
    /// <summary>Admit by the dynamic program while at most so many new requests are to be decided, greedily above. 0 for always
    /// greedily.</summary>
    public int OptimalMax { get; init; } = 8;

    /// <summary>Most new requests decided in one step; the others are decided in the next ones.</summary>
    public int DecidedMax { get; init; } = 32;

    /// <summary>Every deadline is taken to be so much earlier.</summary>
    public TimeSpan Margin { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>Pace of answers that were promised an end only, and of the loosest tier.</summary>
    public TimeSpan BatchPace { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Standard deviations added to predicted lengths, for memory.</summary>
    public double Deviations { get; init; } = 2;

    /// <summary>An answer ahead of its pace counts in the loosest tier that its slack allows, as in the published code. It admits
    /// more and no longer guarantees.</summary>
    public bool CountsSlack { get; init; }

    public PaceAnchor Anchor { get; init; } = PaceAnchor.Later;

    public static SlosServeOptions Read(PolicySettings s) => new()
    {
        OptimalMax = s.Whole("optimal-max", "new requests admitted by the dynamic program, greedily above", 8, 0, 32),
        Margin = TimeSpan.FromMilliseconds(s.Number("margin", "every deadline is taken so much earlier [ms]", 1, 0, 1000)),
        BatchPace = TimeSpan.FromMilliseconds(s.Number("batch-pace", "pace of answers promised an end only [ms]", 200, 1, 100_000)),
        Deviations = s.Number("deviations", "standard deviations added to predicted lengths", 2, 0, 10),
        CountsSlack = s.Word("tiers", "an answer ahead of its pace counts by its promise or by its slack", "promise", "slack") == "slack",
        Anchor = TokenDeadlines.Read(s),
    };
}
