using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Several engines on one device: one step runs at a time, and engines that want to run take turns.</summary>
internal sealed class SharedDevice(IReadOnlyList<SimulatedEngine> engines)
{
    private int _running = -1;
    private int _last;

    /// <summary>An engine's turn is due: its step has ended, or it was idle and something came.</summary>
    /// <returns>False if it has to wait, because another engine's step is under way.</returns>
    public bool TryTurn(SimulatedEngine engine, Action<SimulatedEngine> reschedule)
    {
        var at = engine.Core.NextTurn;
        var index = IndexOf(engine);
        if (_running >= 0 && _running != index) return false;

        engine.Core.EndStep();
        BeginNext(at, reschedule);
        return true;
    }

    /// <summary>An engine died; its step no longer holds the device, and whoever waits for it goes on.</summary>
    public void Forget(SimulatedEngine engine, Instant now, Action<SimulatedEngine> reschedule)
    {
        if (_running == IndexOf(engine)) BeginNext(now, reschedule);
    }

    /// <summary>Whoever comes next in the circle and has work begins now.</summary>
    private void BeginNext(Instant at, Action<SimulatedEngine> reschedule)
    {
        _running = -1;
        for (var i = 1; i <= engines.Count; i++)
        {
            var next = (_last + i) % engines.Count;
            if (!engines[next].Core.HasWork) continue;
            engines[next].Core.BeginStep(at);
            reschedule(engines[next]);
            if (!engines[next].Core.IsStepping) continue;
            (_running, _last) = (next, next);
            break;
        }
    }

    private int IndexOf(SimulatedEngine engine)
    {
        for (var i = 0; i < engines.Count; i++)
            if (engines[i] == engine) return i;
        throw new InvariantException("an engine that is not on this device");
    }
}
