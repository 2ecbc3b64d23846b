namespace Sluice.Cli;

/// <summary>What to send where, and how.</summary>
public sealed record BenchOptions
{
    public required Uri Address { get; init; }
    public required string Model { get; init; }
    public string? ApiKey { get; init; }
    public bool IsChat { get; init; } = true;

    /// <summary>Most requests under way; the next waits here, and its waiting counts.</summary>
    public int ConcurrencyMax { get; init; } = int.MaxValue;

    /// <summary>Poisson arrivals that replace the workload's own [requests/s]; infinite for all at once.</summary>
    public double? Rate { get; init; }

    public Goodput Goodput { get; init; } = Goodput.None;

    /// <summary>Ask for exactly the workload's output lengths by <c>ignore_eos</c>, which not every server knows.</summary>
    public bool IgnoreEos { get; init; } = true;

    /// <summary>Give a request up after this long.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromHours(6);
}
