using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Mean and variance of the answers of the request's model and class, from those that ended and those that still
/// run; before ten ended, the caller's cap is halved.</summary>
/// <remarks>See <see cref="AnswerLengths"/>. A running answer's tokens are taken from the time it has been running and the
/// usual time per token. What was computed is used again until 2 % more answers ended. O(1) per request, O(running) then.</remarks>
public sealed class LearnedLength : ILengthPredictor
{
    private const int Enough = 10;
    private const long TokensRemembered = 20_000; // for the time per token

    private readonly Dictionary<(ModelId, ClassId), Kind> _kinds = [];

    public TokenEstimate Predict(Request request)
    {
        var kind = KindOf(request);
        if (kind.Lengths.Ended < Enough) return new(request.MaxOutputTokens / 2.0, 0);
        if (kind.Lengths.Ended >= kind.RefreshAt)
        {
            kind.Estimate = kind.Compute(request.Arrival);
            kind.RefreshAt = kind.Lengths.Ended + Math.Max(1, kind.Lengths.Ended / 50);
        }

        return kind.Estimate;
    }

    public void Observe(Request request, int outputTokens) => KindOf(request).Lengths.End(outputTokens);

    public void OnProducing(Request request, int outputTokens, Instant now)
    {
        var kind = KindOf(request);
        kind.LongestPossible = Math.Max(kind.LongestPossible, request.MaxOutputTokens);
        kind.IndexOf[request.Id] = kind.Running.Count;
        kind.Running.Add((request, now.Ticks, outputTokens));
    }

    public void OnStopped(Request request, int outputTokens, Instant now)
    {
        var kind = KindOf(request);
        kind.IndexOf.Remove(request.Id, out var at);
        var (_, since, had) = kind.Running[at];
        var last = kind.Running[^1];
        kind.Running[at] = last;
        kind.Running.RemoveAt(kind.Running.Count - 1);
        if (last.Request.Id != request.Id) kind.IndexOf[last.Request.Id] = at;

        kind.Ticks += now.Ticks - since;
        kind.Tokens += Math.Max(0, outputTokens - had);
        if (kind.Tokens > TokensRemembered) (kind.Ticks, kind.Tokens) = (kind.Ticks / 2, kind.Tokens / 2);
    }

    private Kind KindOf(Request request)
    {
        var key = (request.Model, request.Class);
        if (!_kinds.TryGetValue(key, out var kind)) _kinds.Add(key, kind = new());
        return kind;
    }

    private sealed class Kind
    {
        public readonly AnswerLengths Lengths = new();
        public readonly List<(Request Request, long Since, int Tokens)> Running = new(64);
        public readonly Dictionary<RequestId, int> IndexOf = new(64);
        public TokenEstimate Estimate;
        public long RefreshAt;
        public int LongestPossible;

        /// <summary>Of pieces of answers that were produced: time, and tokens.</summary>
        public long Ticks, Tokens;

        public TokenEstimate Compute(Instant now)
        {
            Lengths.BeginRunning();
            var perTick = Ticks > 0 ? Tokens / (double)Ticks : 0;
            foreach (var (request, since, tokens) in Running)
                Lengths.AddRunning(Math.Min(tokens + (now.Ticks - since) * perTick, request.MaxOutputTokens - 1));
            return Lengths.Estimate(LongestPossible);
        }
    }
}
