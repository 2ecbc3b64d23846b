using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>A part of a workload, or the same at another rate.</summary>
public static class WorkloadCut
{
    /// <summary>The same requests from callers who all allow so many tokens, or as many as the answer has. Where no caps were recorded,
    /// each is the answer's true length, and a predictor that reads caps would know it.</summary>
    public static Workload Capped(this Workload workload, int tokens) => workload with
    {
        Requests = [.. workload.Requests.Select((r, i) => r with { MaxOutputTokens = Math.Max(tokens, workload.OutputTokens[i]) })],
    };

    /// <summary>What arrives within a share of the time, from a start that is drawn evenly; the clock begins there.</summary>
    /// <param name="share">Of the time from 0 to the last arrival, above 0 and at most 1.</param>
    /// <exception cref="InputException">Nobody arrives in it, or requests of programs would lose their later stages.</exception>
    public static Workload Window(this Workload workload, double share, Rng rng)
    {
        Check.That(share is > 0 and <= 1);
        if (share == 1) return workload;
        if (workload.FollowUps is not null) throw new InputException("a workload of programs has no windows: stages would be lost.");

        var end = workload.Requests[^1].Arrival.Ticks;
        var length = (long)(end * share);
        var start = (long)((end - length) * rng.NextDouble());
        int[] kept =
        [
            .. workload.Requests.Index().Where(r => r.Item.Arrival.Ticks - start is var t && t >= 0 && t <= length).Select(r => r.Index),
        ];
        if (kept.Length == 0)
            throw new InputException(FormattableString.Invariant($"nobody arrives in the {share * 100:0.###} % of the time drawn."));

        return workload with
        {
            Origin = FormattableString.Invariant(
                $"{workload.Origin}; {share * 100:0.###} % of its time, from {new Instant(start).Seconds:0} s on"),
            Requests =
            [
                .. kept.Select((from, i) => workload.Requests[from] with
                {
                    Id = new(i), Arrival = new(workload.Requests[from].Arrival.Ticks - start),
                }),
            ],
            OutputTokens = [.. kept.Select(i => workload.OutputTokens[i])],
            Calls = workload.Calls is not { } calls
                ? null
                : kept.Index().Where(k => calls.ContainsKey(k.Item)).ToDictionary(k => k.Index, k => calls[k.Item]),
        };
    }

    /// <param name="take">Keep the first requests; null for all. Workloads with programs cannot be cut.</param>
    /// <param name="rateScale">Multiplies the arrival rate: 2 halves all gaps.</param>
    /// <exception cref="InputException">Requests of programs would lose their later stages.</exception>
    public static Workload Cut(this Workload workload, int? take, double rateScale)
    {
        if ((take is null || take >= workload.Requests.Length) && rateScale == 1) return workload;
        if (take is not null && workload.FollowUps is not null)
            throw new InputException("--take: a workload of programs is cut by its own n=, so that no program loses its later stages.");

        var count = Math.Min(take ?? int.MaxValue, workload.Requests.Length);
        var requests = new Request[count];
        for (var i = 0; i < count; i++)
        {
            var request = workload.Requests[i];
            requests[i] = rateScale == 1 || request.Arrival == Instant.Never
                ? request
                : request with { Arrival = new((long)Math.Round(request.Arrival.Ticks / rateScale)) };
        }

        return new()
        {
            Name = rateScale == 1 ? workload.Name : FormattableString.Invariant($"{workload.Name} x{rateScale}"),
            Origin = workload.Origin,
            Requests = requests,
            OutputTokens = workload.OutputTokens[..count],
            Models = workload.Models,
            Tenants = workload.Tenants,
            Classes = workload.Classes,
            FollowUps = workload.FollowUps,
            Calls = workload.Calls,
            PrefixBlockTokens = workload.PrefixBlockTokens,
        };
    }
}
