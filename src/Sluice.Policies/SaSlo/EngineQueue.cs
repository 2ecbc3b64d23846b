using Sluice.Core;

namespace Sluice.Policies;

/// <summary>What waits for one engine and what runs on it.</summary>
internal sealed class EngineQueue
{
    /// <summary>The first batch of the plan, as far as it has not gone.</summary>
    public SlotList Ready = SlotList.Empty;

    /// <summary>By arrival; those of the plan's later batches are still here.</summary>
    public SlotList Waiting = SlotList.Empty;

    /// <summary>Whose promises cannot be kept any more: planned where the window has places left.</summary>
    public SlotList Late = SlotList.Empty;

    public SlotList Running = SlotList.Empty;

    /// <summary>Prompt and expected output of all that waits.</summary>
    public long Tokens;

    /// <summary>Most requests the engine holds while the first batch goes.</summary>
    public int Cap = 1;

    /// <summary>When the first batch began to go.</summary>
    public Instant BeganAt = Instant.Never;

    /// <summary>Since the last plan.</summary>
    public int Arrivals;

    /// <summary>The next plan is to plan it.</summary>
    public bool IsDue;

    /// <summary>Fitted step times, by model.</summary>
    public SliceTime?[] Times = [];

    public int Unplanned => Waiting.Count + Late.Count;
}

/// <summary>The list a request is in.</summary>
internal enum EngineList
{
    /// <summary>No engine has its model.</summary>
    None,
    Ready,
    Waiting,
    Late,
    Running,
}
