using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Earliest deadline first in the dispatcher's queue: the first token's where one was promised, else the last
/// token's.</summary>
/// <remarks>Optimal on one machine while all deadlines can be met (Dertouzos, 1974); past overload it spends time on requests
/// that are already late.</remarks>
public sealed class RequestsByDeadline : IRequestOrder
{
    public long KeyOf(Request request) =>
        Math.Min(request.FirstTokenDeadline.Ticks, (request.Arrival + request.Slo.E2e).Ticks);
}

public sealed class RequestsByPriority : IRequestOrder
{
    public long KeyOf(Request request) => request.Priority;
}
