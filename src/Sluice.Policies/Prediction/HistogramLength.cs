using Sluice.Core;

namespace Sluice.Policies;

/// <summary>The distribution of the answers seen so far for the request's model, tenant and class: mean, quantiles, and what is left
/// once an answer has grown.</summary>
/// <remarks>Below <see cref="Enough"/> answers of model, tenant and class those of model and class stand in, and below that
/// <see cref="FirstGuess"/> tokens or the caller's cap, as JITServe assumes until its forest answers. O(buckets) per quantile.
/// </remarks>
public class HistogramLength : ILengthPredictor
{
    /// <summary>Answers from which a histogram is believed.</summary>
    public const int Enough = 20;

    /// <summary>Tokens assumed before any answer was seen.</summary>
    public const int FirstGuess = 1024;

    private readonly Dictionary<(ModelId, ClassId, TenantId), LengthHistogram> _seen = [];
    private readonly Dictionary<(ModelId, ClassId), LengthHistogram> _seenOfClass = [];

    public TokenEstimate Predict(Request request) => Of(request) is { } seen
        ? new(Math.Min(seen.Mean, request.MaxOutputTokens), seen.Variance)
        : new(Math.Min(FirstGuess, request.MaxOutputTokens), 0);

    public virtual void Observe(Request request, int outputTokens)
    {
        At(_seen, (request.Model, request.Class, request.Tenant)).Add(outputTokens);
        At(_seenOfClass, (request.Model, request.Class)).Add(outputTokens);
    }

    /// <summary>Past everything seen, half as much again as is out.</summary>
    public double Quantile(Request request, TokenEstimate predicted, double p, int outputTokens)
    {
        var bound = Of(request)?.Quantile(p, outputTokens) ?? Math.Max(FirstGuess, predicted.Mean);
        if (double.IsNaN(bound) || bound <= outputTokens) bound = 1.5 * outputTokens;
        return Math.Min(Math.Max(bound, outputTokens + 1), Math.Max(request.MaxOutputTokens, outputTokens + 1));
    }

    private LengthHistogram? Of(Request request) =>
        _seen.TryGetValue((request.Model, request.Class, request.Tenant), out var own) && own.Count >= Enough ? own
        : _seenOfClass.TryGetValue((request.Model, request.Class), out var all) && all.Count >= Enough ? all
        : null;

    private static LengthHistogram At<TKey>(Dictionary<TKey, LengthHistogram> seen, TKey key) where TKey : notnull
    {
        if (seen.TryGetValue(key, out var histogram)) return histogram;
        histogram = new();
        seen.Add(key, histogram);
        return histogram;
    }
}
