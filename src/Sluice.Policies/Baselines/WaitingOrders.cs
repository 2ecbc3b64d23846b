using Sluice.Core;

namespace Sluice.Policies;

/// <summary>One key for all, where a scheduler chooses from everybody who waits: the queue only has to allow taking from its
/// middle.</summary>
public sealed class Unordered : IWaitingOrder
{
    public long KeyOf(in Sequence sequence) => 0;
}

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
