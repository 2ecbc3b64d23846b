using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Knows the truth; for upper bounds and for theory.</summary>
/// <param name="outputTokens">The true length of a request's answer [tokens].</param>
public sealed class OracleLength(Func<Request, int> outputTokens) : ILengthPredictor
{
    public TokenEstimate Predict(Request request) => new(outputTokens(request), 0);
    public void Observe(Request request, int outputTokens) { }
}

/// <summary>The truth times a factor: exponential with mean 1 (the model of the queueing literature), or log-normal with
/// median 1.</summary>
/// <param name="sigma">Standard deviation of the factor's logarithm; 0 for the exponential factor.</param>
public sealed class NoisyLength(Func<Request, int> outputTokens, Rng rng, double sigma) : ILengthPredictor
{
    /// <summary>Drawn from the request's own stream, so that a prediction does not depend on the order of arrivals.</summary>
    public TokenEstimate Predict(Request request)
    {
        var own = rng.Fork("length", request.Id.Value);
        var factor = sigma == 0 ? -Math.Log(1 - own.NextDouble()) : Math.Exp(own.NextNormal(sigma));
        return new(outputTokens(request) * factor, 0);
    }

    public void Observe(Request request, int outputTokens) { }
}

/// <summary>Noise at arrival that shrinks while the answer grows: what a predictor that reads the model's own state has.</summary>
/// <remarks>At arrival the truth times a log-normal factor; later what is left, times one whose spread is smaller by 2.66, the ratio of
/// mean absolute errors that TRAIL (ICLR 2025) reports. The factor is drawn anew every 64 tokens [I].</remarks>
public sealed class RefinedLength(Func<Request, int> truth, Rng rng, double sigma) : ILengthPredictor
{
    private const double Sharper = 2.66;

    public TokenEstimate Predict(Request request) => new(truth(request) * Factor(request, 0, sigma), 0);

    public bool Refines => true;

    public TokenEstimate Refine(Request request, TokenEstimate predicted, int outputTokens) => outputTokens == 0
        ? predicted
        : new(
            outputTokens + Math.Max(0, truth(request) - outputTokens) * Factor(request, 1 + outputTokens / 64, sigma / Sharper), 0);

    public void Observe(Request request, int outputTokens) { }

    private double Factor(Request request, int draw, double spread)
    {
        var own = rng.Fork("length", request.Id.Value, (ulong)draw * 0xD1B54A32D192ED03UL);
        return Math.Exp(own.NextNormal(spread));
    }
}
