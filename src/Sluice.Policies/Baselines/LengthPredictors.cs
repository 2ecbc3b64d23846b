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
        var own = new Rng(rng.Fork("length").NextUInt64() + (ulong)request.Id.Value * 0x9E3779B97F4A7C15UL);
        var u = 1 - own.NextDouble();
        var factor = sigma == 0
            ? -Math.Log(u)
            : Math.Exp(sigma * Math.Sqrt(-2 * Math.Log(u)) * Math.Cos(2 * Math.PI * own.NextDouble()));
        return new(outputTokens(request) * factor, 0);
    }

    public void Observe(Request request, int outputTokens) { }
}
