namespace Sluice.Cli;

/// <summary>The rules by which a row of a reproduction agrees with its paper: all of them, and only here.</summary>
public static class Agreement
{
    /// <summary>How far from a single figure of the paper ours may be, as a share of it.</summary>
    public const double Tolerance = 0.30;

    /// <summary>For the report.</summary>
    public static IReadOnlyList<string> Rules { get; } =
    [
        "A range over several settings of the paper: our figure, of one of these settings, lies inside it.",
        "A range over a swept parameter: at both ends of the sweep ours is within ±30 % of the paper's.",
        "A single figure, also one that the paper gives as “up to”: ours is within ±30 % of it.",
        "A share of memory: ours is within ±5 percentage points.",
        "A best size out of powers of two: ours is the same or its neighbour.",
        "A gain that shrinks towards 1: ours falls by at least 5 % and not below 0.95.",
        "An order of systems: ours is the same.",
        "A bound, or “an order of magnitude”: ours keeps it.",
        "Something helps: by at least one point of attainment; no gain: at most five.",
        "A chosen value: ours attains within two points of the best one.",
        "What was not reproduced does not agree.",
    ];

    public static bool IsInside(double ours, double low, double high) => ours >= low && ours <= high;

    public static bool IsNear(double ours, double paper) => Math.Abs(ours - paper) <= Tolerance * paper;

    public static bool AreEndsNear(double oursFrom, double oursTo, double paperFrom, double paperTo) =>
        IsNear(oursFrom, paperFrom) && IsNear(oursTo, paperTo);

    public static bool IsSameShare(double ours, double paper) => Math.Abs(ours - paper) <= 0.05;

    public static bool IsNeighbour(int ours, int paper) => ours == paper || ours == 2 * paper || paper == 2 * ours;

    public static bool ShrinksTowardsOne(double from, double to) => to <= 0.95 * from && to >= 0.95;
}
