using Sluice.Core;
using Sluice.Policies;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>How good a length predictor is on a workload.</summary>
/// <param name="Tau">Kendall's tau-b of predicted and true lengths: the order; NaN when all predictions are alike.</param>
/// <param name="MeanError">Mean size of the error [tokens].</param>
/// <param name="Covered">Share of answers within the predicted 95 % quantile; 0.95 would be right.</param>
internal sealed record PredictorScore(double Tau, double MeanError, double Covered)
{
    /// <summary>In order of arrival; each answer is told after it was predicted.</summary>
    public static PredictorScore Of(ILengthPredictor predictor, Workload load)
    {
        var (predicted, truth) = (new double[load.Requests.Length], new double[load.Requests.Length]);
        var (error, covered) = (0.0, 0);
        for (var i = 0; i < predicted.Length; i++)
        {
            var request = load.Requests[i];
            var estimate = predictor.Predict(request);
            (predicted[i], truth[i]) = (estimate.Mean, load.OutputTokens[i]);
            error += Math.Abs(predicted[i] - truth[i]);
            if (truth[i] <= predictor.Quantile(request, estimate, 0.95, 0)) covered++;
            predictor.Observe(request, load.OutputTokens[i]);
        }

        return new(KendallTau.Of(predicted, truth), error / predicted.Length, covered / (double)predicted.Length);
    }
}
