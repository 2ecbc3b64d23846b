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
