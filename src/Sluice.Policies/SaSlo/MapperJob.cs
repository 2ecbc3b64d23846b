using Sluice.Core;

namespace Sluice.Policies;

/// <summary>A request as the mapper reckons with it: its times are linear in the size of its batch, and its promises are what
/// is left of them at the instant of the plan. All in seconds; infinity for a promise not made.</summary>
internal readonly record struct MapperJob
{
    public double PrefillBase { get; init; }
    public double PrefillEach { get; init; }
    public double DecodeBase { get; init; }
    public double DecodeEach { get; init; }

    /// <summary>Until the first token; negative when it is late already.</summary>
    public double FirstTokenMax { get; init; }

    /// <summary>For all tokens after the first together.</summary>
    public double DecodeMax { get; init; }

    /// <summary>Until the last token.</summary>
    public double AnswerMax { get; init; }

    /// <summary>In a batch of its own.</summary>
    public double Alone => Prefill(1) + Decode(1);

    /// <summary>Its promises are kept if it begins at once and alone. Once false, it stays false.</summary>
    public bool IsFeasible => IsMet(0, Prefill(1), Decode(1));

    /// <param name="contextTokens">Tokens to prefill: the prompt, and what was produced before an eviction.</param>
    /// <param name="outputTokens">Tokens still to come, at least 1.</param>
    public static MapperJob Of(SliceTime time, int contextTokens, int outputTokens, Request request, bool hasBegun, Instant now)
    {
        var prefill = time.Prefill(0, contextTokens);
        var whole = time.Of(0, contextTokens, outputTokens);
        var prefillEach = time.Prefill(1, contextTokens) - prefill;
        var slo = request.Slo;
        return new()
        {
            PrefillBase = prefill,
            PrefillEach = prefillEach,
            DecodeBase = whole - prefill,
            DecodeEach = time.Of(1, contextTokens, outputTokens) - whole - prefillEach,
            FirstTokenMax = hasBegun ? double.PositiveInfinity : Left(slo.Ttft),
            DecodeMax = slo.Tpot == TimeSpan.MaxValue || outputTokens == 1
                ? double.PositiveInfinity
                : slo.Tpot.TotalSeconds * (outputTokens - 1),
            AnswerMax = Left(slo.E2e),
        };

        double Left(TimeSpan promise) => promise == TimeSpan.MaxValue
            ? double.PositiveInfinity
            : promise.TotalSeconds - (now - request.Arrival).TotalSeconds;
    }

    public double Prefill(int batch) => PrefillBase + batch * PrefillEach;

    public double Decode(int batch) => DecodeBase + batch * DecodeEach;

    public bool IsMet(double wait, double prefill, double decode) =>
        wait + prefill <= FirstTokenMax && decode <= DecodeMax && wait + prefill + decode <= AnswerMax;
}
