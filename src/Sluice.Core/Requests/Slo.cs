namespace Sluice.Core;

/// <summary>What the caller was promised. Parsed once at the edge; a promise that was not made is
/// <see cref="TimeSpan.MaxValue"/>.</summary>
/// <param name="Ttft">Time to first token, from arrival, queueing included.</param>
/// <param name="Tpot">Mean time per output token after the first.</param>
/// <param name="E2e">Time to last token, from arrival: the deadline of work whose whole answer counts.</param>
public readonly record struct Slo(TimeSpan Ttft, TimeSpan Tpot, TimeSpan E2e)
{
    public static Slo BestEffort => new(TimeSpan.MaxValue, TimeSpan.MaxValue, TimeSpan.MaxValue);
}
