using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>The fleet's last engines as a reserve: they begin switched off, and the scheduler's wishes switch them on and
/// off.</summary>
/// <remarks>One more: the first that is off and can run the model starts, and joins with the model loaded when its start-up is
/// over. One fewer: the last of the reserve that has the model takes no more requests, and leaves when it has none. Engines
/// that are not of the reserve stay. O(engines) per wish.</remarks>
internal sealed class SpareEngines(
    IReadOnlyList<EngineSetup> engines, int spares, int outstandingMax, EngineSnapshot[] snapshots, Action<EngineId, ModelId> start)
    : IScaler
{
    private readonly bool[] _isStarting = new bool[engines.Count];
    private readonly List<EngineId> _draining = [];

    /// <summary>Engines switched on and off so far.</summary>
    public (int On, int Off) Counts { get; private set; }

    private int First => engines.Count - spares;

    public void Scale(Instant now, ModelId model, int change)
    {
        for (; change > 0; change--) SwitchOn(model);
        for (; change < 0; change++) SwitchOff(model);
    }

    /// <summary>Its start-up is over.</summary>
    public void Started(EngineId engine)
    {
        _isStarting[engine.Index] = false;
        snapshots[engine.Index].OutstandingMax = outstandingMax;
        Counts = Counts with { On = Counts.On + 1 };
    }

    /// <summary>A draining engine that has nothing left to do, which is off from now on.</summary>
    public bool TryTakeDrained(out EngineId engine)
    {
        engine = EngineId.None;
        for (var i = 0; i < _draining.Count; i++)
        {
            ref readonly var snapshot = ref snapshots[_draining[i].Index];
            if (snapshot.IsPresent && (snapshot.Outstanding > 0 || !snapshot.IsReady)) continue; // Busy, or loading.
            engine = _draining[i];
            _draining.RemoveAt(i);
            if (!snapshot.IsPresent) return TryTakeDrained(out engine); // It was lost before it could leave.
            Counts = Counts with { Off = Counts.Off + 1 };
            return true;
        }

        return false;
    }

    private void SwitchOn(ModelId model)
    {
        for (var v = First; v < engines.Count; v++)
        {
            if (snapshots[v].IsPresent || _isStarting[v] || !engines[v].CanRun(model)) continue;
            _isStarting[v] = true;
            start(new(v), model);
            return;
        }
    }

    private void SwitchOff(ModelId model)
    {
        for (var v = engines.Count - 1; v >= First; v--)
        {
            if (!snapshots[v].IsPresent || snapshots[v].Model != model || _draining.Contains(new(v))) continue;
            snapshots[v].OutstandingMax = 0;
            _draining.Add(new(v));
            return;
        }
    }
}
