namespace Sluice.Policies;

/// <summary>What requests have still to be given, summed over them.</summary>
/// <param name="OutputTokens">Tokens to produce.</param>
/// <param name="OutputVariance">Of that.</param>
/// <param name="KvSteps">KV tokens held, times decode steps: what an engine that is short of KV rather than of places runs
/// out of. A request with a prompt of P tokens and an answer of O takes O·P + O²/2 of it.</param>
/// <param name="KvVariance">Of that.</param>
/// <param name="PrefillTokens">Tokens to compute before the next one comes.</param>
internal record struct Work(double OutputTokens, double OutputVariance, double KvSteps, double KvVariance, double PrefillTokens)
{
    /// <summary>Of one request.</summary>
    /// <param name="held">KV tokens it needs at once.</param>
    /// <param name="output">Tokens it has still to produce, mean; and their variance.</param>
    /// <remarks>O·h + O²/2 needs the third and fourth moment of O: those of a gamma distribution with its mean and variance,
    /// which is exact for equal and for exponential lengths.</remarks>
    public static Work Of(double held, double output, double variance, double prefill)
    {
        var c = variance / (output * output);
        var second = output * output * (1 + c);
        var third = second * output * (1 + 2 * c);
        var fourth = third * output * (1 + 3 * c);
        var steps = output * held + second / 2;
        return new(output, variance, steps, Math.Max(0, held * held * second + held * third + fourth / 4 - steps * steps), prefill);
    }

    public static Work operator +(in Work a, in Work b) => new(
        a.OutputTokens + b.OutputTokens, a.OutputVariance + b.OutputVariance, a.KvSteps + b.KvSteps, a.KvVariance + b.KvVariance,
        a.PrefillTokens + b.PrefillTokens);

    /// <summary>Rounding must not make anything negative.</summary>
    public static Work operator -(in Work a, in Work b) => new(
        Math.Max(0, a.OutputTokens - b.OutputTokens), Math.Max(0, a.OutputVariance - b.OutputVariance),
        Math.Max(0, a.KvSteps - b.KvSteps), Math.Max(0, a.KvVariance - b.KvVariance), Math.Max(0, a.PrefillTokens - b.PrefillTokens));

    public static Work operator *(in Work a, double share) => new(
        a.OutputTokens * share, a.OutputVariance * share, a.KvSteps * share, a.KvVariance * share, a.PrefillTokens * share);
}
