namespace Sluice.Core;

/// <summary>Predicts output length in tokens. <see cref="Observe"/> is called once per finished request.</summary>
public interface ILengthPredictor
{
    TokenEstimate Predict(Request request);
    void Observe(Request request, int outputTokens);

    /// <summary>A request produces tokens from now on: its first token came, or it goes on after an eviction. For predictors
    /// that learn from answers that have not ended, too: those that end first are the short ones.</summary>
    /// <param name="outputTokens">Those it has.</param>
    void OnProducing(Request request, int outputTokens, Instant now)
    {
    }

    /// <summary>It no longer does: it finished (<see cref="Observe"/> was called), ended otherwise, or waits again.</summary>
    /// <param name="outputTokens">Those it has.</param>
    void OnStopped(Request request, int outputTokens, Instant now)
    {
    }

    /// <summary>The prediction anew, now that so many tokens are out and the answer goes on.</summary>
    /// <param name="predicted">What was predicted at arrival.</param>
    /// <returns>Length of the whole answer.</returns>
    TokenEstimate Refine(Request request, TokenEstimate predicted, int outputTokens) => predicted;

    /// <summary>True if <see cref="Refine"/> ever changes a prediction.</summary>
    bool Refines => false;

    /// <summary>Length that the whole answer stays within with probability <paramref name="p"/>, given that it is longer than
    /// what is out already.</summary>
    /// <param name="p">0 to 1, exclusive.</param>
    /// <param name="outputTokens">Tokens out already.</param>
    double Quantile(Request request, TokenEstimate predicted, double p, int outputTokens) =>
        Math.Max(outputTokens + 1, predicted.Quantile(p));
}
