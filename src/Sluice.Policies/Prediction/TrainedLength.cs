using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Predicts by what <c>sluice predictor train</c> has learned: a ranker for the order, and trees for the middle and an upper
/// quantile.</summary>
/// <remarks>The variance is that of a log-normal through both quantiles. The model does not change while it serves.</remarks>
/// <param name="Ranker">Weights; higher scores are shorter.</param>
/// <param name="Median">Trees for the level 0.5.</param>
/// <param name="Upper">Trees for <see cref="UpperLevel"/>.</param>
/// <param name="Trained">Requests it was trained on.</param>
public sealed record TrainedLength(LinearRanker Ranker, QuantileTrees Median, QuantileTrees Upper, int Trained) : ILengthPredictor
{
    /// <summary>The upper quantile, as JITServe's bound.</summary>
    public const double UpperLevel = 0.95;

    private readonly double[] _features = new double[RequestFeatures.Count];

    /// <summary>Fewest requests that training makes sense with.</summary>
    public const int TrainedMin = 100;

    public static TrainedLength Train(IReadOnlyList<Request> requests, IReadOnlyList<int> outputTokens)
    {
        Check.That(requests.Count >= TrainedMin);
        var features = new double[requests.Count][];
        for (var i = 0; i < features.Length; i++)
        {
            features[i] = new double[RequestFeatures.Count];
            RequestFeatures.Read(requests[i], features[i]);
        }

        int[] lengths = [.. outputTokens];
        return new(
            TrainRanker(requests, outputTokens), QuantileTrees.Train(features, lengths, 0.5),
            QuantileTrees.Train(features, lengths, UpperLevel), requests.Count);
    }

    public TokenEstimate Predict(Request request)
    {
        RequestFeatures.Read(request, _features);
        var (median, upper) = (Math.Max(1, Median.Predict(_features)), Upper.Predict(_features));
        var sigma = Math.Max(0, Math.Log(Math.Max(median, upper) / median) / NormalQuantile.Of(UpperLevel));
        var mean = median * Math.Exp(sigma * sigma / 2);
        return new(mean, mean * mean * (Math.Exp(sigma * sigma) - 1));
    }

    /// <summary>The trees' own at their level, the log-normal's elsewhere, and half as much again once an answer is past it.</summary>
    public double Quantile(Request request, TokenEstimate predicted, double p, int outputTokens)
    {
        RequestFeatures.Read(request, _features);
        var bound = Math.Abs(p - UpperLevel) < 1e-9 ? Upper.Predict(_features) : predicted.Quantile(p);
        return bound > outputTokens ? Math.Max(bound, 1) : Math.Max(outputTokens + 1, 1.5 * outputTokens);
    }

    public void Observe(Request request, int outputTokens)
    {
    }

    /// <summary>Five rounds over lists of 32 in order of arrival, as vllm-ltr trains.</summary>
    private static LinearRanker TrainRanker(IReadOnlyList<Request> requests, IReadOnlyList<int> outputTokens)
    {
        const int rounds = 5, length = 32;
        var ranker = new LinearRanker();
        var list = new List<(Request, int)>(length);
        for (var round = 0; round < rounds; round++)
        {
            for (var i = 0; i < requests.Count; i++)
            {
                list.Add((requests[i], outputTokens[i]));
                if (list.Count < length) continue;
                ranker.Learn(list);
                list.Clear();
            }

            list.Clear();
        }

        return ranker;
    }
}
