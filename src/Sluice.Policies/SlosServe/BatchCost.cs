using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Step time as a straight line in the tokens of the batch: T(n, s) = fixed + perToken·n + perDraft·s.</summary>
/// <remarks>Source: SLOs-Serve (arXiv 2504.08784), one piece of its performance model. <see cref="Of"/> lays the line through an
/// engine's own predictions at its present context, so that planning costs no more than arithmetic.</remarks>
/// <param name="Fixed">Of a batch without tokens [s].</param>
/// <param name="PerToken">[s].</param>
/// <param name="PerDraft">Of a step of the draft model [s].</param>
public readonly record struct BatchCost(double Fixed, double PerToken, double PerDraft = 0)
{
    private const double SecondsPerFemtosecond = 1e-15;

    public double Time(double tokens, int drafts = 0) => Fixed + PerToken * tokens + PerDraft * drafts;

    /// <summary>Tokens of a batch that takes so long; negative when not even an empty one does.</summary>
    public double Tokens(double seconds, int drafts = 0) => (seconds - Fixed - PerDraft * drafts) / PerToken;

    /// <param name="contextTokens">Contexts of all decodes.</param>
    /// <param name="promptTokens">A usual prompt, whose attention is priced in.</param>
    public static BatchCost Of(IStepTimeModel model, int decodes, long contextTokens, int promptTokens, int batchMax)
    {
        var some = new BatchShape { DecodeSequences = decodes, ContextTokens = contextTokens };
        var full = some with { PrefillTokens = batchMax, AttentionPairsTwice = (long)batchMax * promptTokens };
        var (low, high) = (model.StepTime(in some), model.StepTime(in full));
        var perToken = Math.Max(1e-9, (high - low) * SecondsPerFemtosecond / batchMax);
        return new(Math.Max(0, low * SecondsPerFemtosecond - perToken * decodes), perToken);
    }
}
