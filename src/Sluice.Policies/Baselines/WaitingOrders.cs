using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Smaller <see cref="Request.Priority"/> first, then by arrival.</summary>
public sealed class ByPriority : IWaitingOrder
{
    public long KeyOf(in Sequence sequence) => sequence.Request.Priority;
}

/// <summary>The order of <see cref="RequestsByDeadline"/> inside an engine.</summary>
public sealed class ByDeadline : IWaitingOrder
{
    private static readonly RequestsByDeadline s_order = new();

    public long KeyOf(in Sequence sequence) => s_order.KeyOf(sequence.Request);
}

/// <summary>Shortest predicted answer first. With an exact predictor this is shortest job first for work that is mostly
/// decoding.</summary>
public sealed class ByPredictedLength : IWaitingOrder
{
    /// <summary>Tokens are counted in thousandths, so that close predictions still differ.</summary>
    public long KeyOf(in Sequence sequence) => (long)(sequence.Predicted.Mean * 1000);
}
