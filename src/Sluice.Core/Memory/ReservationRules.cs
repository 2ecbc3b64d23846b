using System.Numerics;

namespace Sluice.Core;

/// <summary>How many tokens a system without paging reserves for a request at admission.</summary>
/// <remarks>Source: the Orca variants of PagedAttention (SOSP 2023), section 6.1. They are one system with three degrees of
/// knowledge of the output length.</remarks>
public static class ReservationRules
{
    /// <summary>Knows nothing: the model's maximum length for every request.</summary>
    public static Func<Request, int> ReserveMaximum(int maxModelTokens)
    {
        Check.That(maxModelTokens >= 1);
        return _ => maxModelTokens;
    }

    /// <summary>Reserves less than twice the output: its length rounded up to a power of two, after the prompt.</summary>
    /// <param name="outputTokens">True output length of a request, at least 1.</param>
    public static Func<Request, int> ReservePowerOfTwo(Func<Request, int> outputTokens) =>
        request => checked(request.PromptTokens + (int)BitOperations.RoundUpToPowerOf2((uint)outputTokens(request)));

    /// <summary>Knows the truth: prompt and output, an upper bound for every such system.</summary>
    /// <param name="outputTokens">True output length of a request.</param>
    public static Func<Request, int> ReserveExact(Func<Request, int> outputTokens) =>
        request => checked(request.PromptTokens + outputTokens(request));
}
