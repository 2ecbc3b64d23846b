using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Scores requests so that shorter answers score higher: a linear function of their features, trained by ListMLE.</summary>
/// <remarks>Adam with weight decay, as vllm-ltr trains its language model; a linear one learns less and costs next to nothing.
/// Deterministic: the same lists in the same order give the same weights.</remarks>
public sealed class LinearRanker
{
    private const double Beta1 = 0.9, Beta2 = 0.999, Epsilon = 1e-8, Decay = 1e-4;

    private readonly double[] _first = new double[RequestFeatures.Count];
    private readonly double[] _second = new double[RequestFeatures.Count];
    private readonly double[] _gradient = new double[RequestFeatures.Count];
    private readonly double[] _features = new double[RequestFeatures.Count];
    private double[] _scores = [];
    private double[] _pulls = [];
    private int _steps;

    public double[] Weights { get; init; } = new double[RequestFeatures.Count];

    public double LearningRate { get; init; } = 0.02;

    /// <summary>Higher is shorter.</summary>
    public double Score(Request request)
    {
        RequestFeatures.Read(request, _features);
        return Dot(_features);
    }

    /// <summary>One step of training on one list.</summary>
    /// <param name="list">Requests with their true lengths; sorted by length on return, shortest first.</param>
    /// <returns>ListMLE loss before the step, per item.</returns>
    public double Learn(List<(Request Request, int OutputTokens)> list)
    {
        // Longer differences than ten tokens count; ties go by id, which says nothing about lengths.
        list.Sort(static (a, b) => (a.OutputTokens / 10, a.Request.Id.Value).CompareTo((b.OutputTokens / 10, b.Request.Id.Value)));
        if (_scores.Length != list.Count) (_scores, _pulls) = (new double[list.Count], new double[list.Count]);
        for (var i = 0; i < list.Count; i++) _scores[i] = Score(list[i].Request);
        var loss = ListMle.Loss(_scores, _pulls) / list.Count;
        Array.Clear(_gradient);
        for (var i = 0; i < list.Count; i++)
        {
            RequestFeatures.Read(list[i].Request, _features);
            for (var f = 0; f < _features.Length; f++) _gradient[f] += _pulls[i] * _features[f] / list.Count;
        }

        Step();
        return loss;
    }

    private void Step()
    {
        _steps++;
        var (unbias1, unbias2) = (1 - Math.Pow(Beta1, _steps), 1 - Math.Pow(Beta2, _steps));
        for (var f = 0; f < Weights.Length; f++)
        {
            _first[f] = Beta1 * _first[f] + (1 - Beta1) * _gradient[f];
            _second[f] = Beta2 * _second[f] + (1 - Beta2) * _gradient[f] * _gradient[f];
            Weights[f] -= LearningRate * (_first[f] / unbias1 / (Math.Sqrt(_second[f] / unbias2) + Epsilon) + Decay * Weights[f]);
        }
    }

    private double Dot(double[] features)
    {
        var sum = 0.0;
        for (var f = 0; f < features.Length; f++) sum += Weights[f] * features[f];
        return sum;
    }
}
