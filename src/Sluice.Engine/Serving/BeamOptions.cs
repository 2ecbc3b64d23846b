namespace Sluice.Engine;

/// <summary>Beam search instead of choosing token by token: the likeliest whole answers.</summary>
public sealed record BeamOptions
{
    /// <summary>Answers followed at once, 1 to 32.</summary>
    public required int Width { get; init; }

    /// <summary>Scores are divided by the length to this power, 0 to 4: above 0 it favours longer answers.</summary>
    public double LengthPenalty { get; init; } = 1;

    /// <summary>Tokens that end an answer.</summary>
    public required Func<int, bool> IsEnd { get; init; }
}
