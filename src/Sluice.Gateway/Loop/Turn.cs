using System.Threading.Tasks.Sources;

namespace Sluice.Gateway;

/// <summary>What the loop tells a request: go to this engine, or it is over.</summary>
/// <param name="Engine">Null when it is over.</param>
/// <param name="Attempt">Counts the engines it was on, from 1.</param>
/// <param name="Stop">Ends the call on that engine.</param>
internal readonly record struct Turn(LiveEngine? Engine, int Attempt, CancellationTokenSource? Stop, LiveOutcome? Outcome);

/// <summary>Holds the newest turn of one request until its own flow takes it. One reader, one writer; a turn that was never
/// taken is replaced by the next, because the engine it names is gone.</summary>
internal sealed class TurnBox : IValueTaskSource<Turn>
{
    private readonly Lock _gate = new();
    private ManualResetValueTaskSourceCore<bool> _signal = new() { RunContinuationsAsynchronously = true };
    private Turn _turn;
    private bool _hasTurn;
    private bool _isAwaited;

    public void Put(in Turn turn)
    {
        lock (_gate)
        {
            if (_hasTurn && _turn.Engine is null) return; // What is over stays over.
            (_turn, _hasTurn) = (turn, true);
            if (!_isAwaited) return;
            _isAwaited = false;
        }

        _signal.SetResult(true);
    }

    public ValueTask<Turn> TakeAsync()
    {
        lock (_gate)
        {
            if (_hasTurn) return new(Take());
            _isAwaited = true;
            _signal.Reset();
            return new(this, _signal.Version);
        }
    }

    public bool HasTurn
    {
        get
        {
            lock (_gate) return _hasTurn;
        }
    }

    Turn IValueTaskSource<Turn>.GetResult(short token)
    {
        _signal.GetResult(token);
        lock (_gate) return Take();
    }

    ValueTaskSourceStatus IValueTaskSource<Turn>.GetStatus(short token) => _signal.GetStatus(token);

    void IValueTaskSource<Turn>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _signal.OnCompleted(continuation, state, token, flags);

    private Turn Take()
    {
        _hasTurn = false;
        return _turn;
    }
}
