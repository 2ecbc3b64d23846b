using Sluice.Core;

namespace Sluice.Policies;

/// <summary>A small state per sequence of an engine, by slot; a slot's next sequence begins with the default again.</summary>
internal sealed class SequenceStates<T> where T : struct
{
    private (long Order, T State)[] _states = new (long, T)[64];

    public T Of(int slot, in Sequence s) =>
        slot < _states.Length && _states[slot].Order == s.Order + 1 ? _states[slot].State : default;

    public void Set(int slot, in Sequence s, T state)
    {
        if (slot >= _states.Length) Array.Resize(ref _states, Math.Max(slot + 1, _states.Length * 2));
        _states[slot] = (s.Order + 1, state);
    }
}
