namespace Sluice.Core;

/// <content>What a scheduler does about promises it cannot keep.</content>
public sealed partial class Step
{
    private readonly List<(int Slot, bool IsFree)> _declined = new(16);

    /// <summary>Tells whoever watches that a sequence is now served as best effort. What that means is the scheduler's
    /// business.</summary>
    public void Relegate(int sequence) => Emit(EventKind.Relegated, in _table[sequence], OutputTokens(sequence));

    /// <summary>Hands a waiting sequence back, for another engine to try.</summary>
    public void Decline(int sequence)
    {
        ref var s = ref _table[sequence];
        Check.That(s.Phase == SequencePhase.Waiting);
        Check.That(s.MayDecline);
        _declined.Add((sequence, IsFree: Waiting.Take(sequence))); // Else its place in the queue is only marked.
        s.Phase = SequencePhase.Removed;
    }

    internal List<(int Slot, bool IsFree)> Declined => _declined;
}
