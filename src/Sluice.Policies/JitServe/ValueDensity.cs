using Sluice.Core;

namespace Sluice.Policies;

/// <summary>What serving a request is worth per second it still takes.</summary>
/// <remarks>
/// Source: JITServe (NSDI 2026) and its artifact. A prompt token is worth 1 and an output token 8; work that will be late is
/// worth ratio(promised, expected)^penalty of it. Chat before its first token: in·ratio(TTFT) + 8·bound·ratio(end); after it:
/// gained so far + 8·left·ratio(end); others: (in + 8·bound)·ratio(end). Density is value over remaining time. Ours: work that is
/// worth nothing keeps a billionth of its value, so that late requests still end, shortest first.
/// </remarks>
/// <param name="penalty">Power of the ratio.</param>
public sealed class ValueDensity(double penalty)
{
    public const double PromptWeight = 1, OutputWeight = 8;

    private const double Floor = 1e-9;

    /// <param name="promptTokens">Of its prompt.</param>
    /// <param name="output">Tokens out.</param>
    /// <param name="bound">Tokens the answer is taken to have.</param>
    /// <param name="served">Since arrival [s].</param>
    /// <param name="pace">Mean time of a step [s].</param>
    /// <param name="ttft">Promised first token from arrival, infinite for none [s].</param>
    /// <param name="end">When all of it is due, from arrival, infinite for never [s].</param>
    /// <returns>Value, and the time it still takes [s].</returns>
    public (double Value, double Remaining) Of(
        int promptTokens, int output, double bound, double served, double pace, double ttft, double end)
    {
        var left = Math.Max(1, bound - output);
        var remaining = Math.Max(pace * left, 1e-6);
        var inTime = Ratio(end, served + remaining);
        double value;
        if (double.IsInfinity(ttft)) value = (promptTokens * PromptWeight + OutputWeight * bound) * inTime;
        else if (output == 0) value = promptTokens * PromptWeight * Ratio(ttft, served + pace) + OutputWeight * bound * inTime;
        else value = promptTokens * PromptWeight + OutputWeight * output + OutputWeight * left * inTime;
        return (Math.Max(value, Floor * OutputWeight * left), remaining);
    }

    private double Ratio(double promised, double expected) =>
        expected <= promised ? 1 : Math.Exp(penalty * Math.Log(Math.Max(1e-6, promised / expected)));
}
