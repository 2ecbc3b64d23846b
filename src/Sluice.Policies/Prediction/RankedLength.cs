using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Predicts by rank: a linear ranker learns from the answers seen which request's is shorter, and a score stands for the
/// length that stood at its place among them.</summary>
/// <remarks>Source of the idea: Fu et al., "Efficient LLM Scheduling by Learning to Rank" (NeurIPS 2024). Learns from each 32 answers,
/// which costs 32 × 70 multiplications; before that the caller's cap is halved. Places are kept for the last 512 answers and made anew
/// with each list. A ranker trained beforehand goes on learning.</remarks>
public sealed class RankedLength(LinearRanker? trained = null) : ILengthPredictor
{
    private const int ListLength = 32, Remembered = 512;

    private readonly LinearRanker _ranker = trained ?? new();
    private readonly List<(Request Request, int OutputTokens)> _list = new(ListLength);
    private readonly (Request Request, int OutputTokens)[] _seen = new (Request, int)[Remembered];
    private readonly double[] _scores = new double[Remembered]; // falling: shortest answers first
    private readonly double[] _lengths = new double[Remembered]; // rising
    private int _count;
    private int _next;
    private int _places;

    public TokenEstimate Predict(Request request)
    {
        if (_places == 0) return TokenEstimate.Uniform(request.MaxOutputTokens);
        var score = _ranker.Score(request);
        var (low, high) = (0, _places);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_scores[middle] >= score) low = middle + 1;
            else high = middle;
        }

        // Scores that fall between two places still differ a little.
        return new(_lengths[Math.Min(low, _places - 1)] - 1e-3 * score, 0);
    }

    public void Observe(Request request, int outputTokens)
    {
        _list.Add((request, outputTokens));
        _seen[_next] = (request, outputTokens);
        _next = (_next + 1) % Remembered;
        _count = Math.Min(Remembered, _count + 1);
        if (_list.Count < ListLength) return;

        _ranker.Learn(_list);
        _list.Clear();
        for (var i = 0; i < _count; i++) (_scores[i], _lengths[i]) = (-_ranker.Score(_seen[i].Request), _seen[i].OutputTokens);
        _scores.AsSpan(0, _count).Sort();
        _lengths.AsSpan(0, _count).Sort();
        for (var i = 0; i < _count; i++) _scores[i] = -_scores[i];
        _places = _count;
    }
}
