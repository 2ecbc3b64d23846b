using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Smaller <see cref="Request.Priority"/> first, then by arrival.</summary>
public sealed class ByPriority : IWaitingOrder
{
    public long KeyOf(in Sequence sequence) => sequence.Request.Priority;
}

/// <summary>Earliest deadline first: the first token's where one was promised, else the last token's.</summary>
public sealed class ByDeadline : IWaitingOrder
{
    public long KeyOf(in Sequence sequence)
    {
        var request = sequence.Request;
        return Math.Min(request.FirstTokenDeadline.Ticks, (request.Arrival + request.Slo.E2e).Ticks);
    }
}

/// <summary>Shortest predicted answer first. With an exact predictor this is shortest job first for work that is mostly
/// decoding.</summary>
public sealed class ByPredictedLength : IWaitingOrder
{
    /// <summary>Tokens are counted in thousandths, so that close predictions still differ.</summary>
    public long KeyOf(in Sequence sequence) => (long)(sequence.Predicted.Mean * 1000);
}
