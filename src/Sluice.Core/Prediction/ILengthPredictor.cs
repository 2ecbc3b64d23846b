namespace Sluice.Core;

/// <summary>Predicts output length in tokens. <see cref="Observe"/> is called once per finished request.</summary>
public interface ILengthPredictor
{
    TokenEstimate Predict(Request request);
    void Observe(Request request, int outputTokens);
}
