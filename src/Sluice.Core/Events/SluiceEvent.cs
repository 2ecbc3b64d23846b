namespace Sluice.Core;

public enum EventKind : byte
{
    /// <summary>Accepted into the queue. Amount: prompt tokens.</summary>
    Queued,

    /// <summary>Refused at arrival. Amount: <see cref="RejectReason"/>.</summary>
    Rejected,

    /// <summary>Given up by its caller, or by us on its behalf. Amount: output tokens produced so far.</summary>
    Cancelled,

    /// <summary>Handed to an engine. Amount: prompt tokens.</summary>
    Dispatched,

    /// <summary>Entered the running batch of its engine. Amount: prompt tokens found in the prefix cache.</summary>
    Started,

    /// <summary>First output token computed. Amount: output tokens, 1.</summary>
    FirstToken,

    /// <summary>The engine took its KV blocks; it recomputes later. Amount: tokens lost.</summary>
    Preempted,

    /// <summary>The engine moved its KV blocks to host memory. Amount: tokens moved.</summary>
    SwappedOut,

    /// <summary>Its KV blocks came back from host memory. Amount: tokens moved.</summary>
    SwappedIn,

    /// <summary>Taken back from its engine into the queue. Amount: output tokens produced so far.</summary>
    Evicted,

    /// <summary>Left its engine with its KV, on its way to another one. Amount: tokens moved.</summary>
    MovedOut,

    /// <summary>Moved to another engine with its KV. Engine: the new one. Amount: tokens moved.</summary>
    Migrated,

    /// <summary>Last output token computed. Amount: output tokens.</summary>
    Finished,

    /// <summary>Cannot be served. Amount: <see cref="FailReason"/>.</summary>
    Failed,

    /// <summary>An engine has a model ready. Amount: <see cref="ModelId"/>.</summary>
    ModelLoaded,

    /// <summary>An engine is gone with what it was computing. Amount: sequences it held.</summary>
    EngineLost,

    /// <summary>An engine is there (again). Amount: 0.</summary>
    EngineJoined,

    /// <summary>Its engine will serve it as best effort: its promise cannot be kept, or others go first. Amount: output tokens
    /// produced so far.</summary>
    Relegated,

    /// <summary>Its engine handed it back unserved, so that another one may try. Amount: output tokens produced so
    /// far.</summary>
    Declined,

    /// <summary>Its answer waits for a tool. Amount: output tokens produced so far.</summary>
    CallBegan,

    /// <summary>The tool has answered; it goes on when its engine has room. Amount: tokens of the tool's answer.</summary>
    CallEnded,

    /// <summary>Asked to leave its engine, it could not: what was sent of it cannot be continued. It runs on, and is not to be
    /// asked again. Amount: output tokens produced so far.</summary>
    Stayed,

    /// <summary>An engine could not make a model ready. It is there with the model that it has. Amount:
    /// <see cref="ModelId"/>.</summary>
    LoadFailed,
}

public enum FailReason
{
    /// <summary>The prompt and one token need more KV than the whole engine has.</summary>
    TooLarge,

    /// <summary>No engine is left that could serve it.</summary>
    NoEngine,

    /// <summary>The engine says that the call itself is wrong.</summary>
    Refused,

    /// <summary>Engines broke off too often, or after something was sent that cannot be continued.</summary>
    Broken,

    /// <summary>No engine could load its model, after as many tries as are allowed.</summary>
    ModelFailed,
}

/// <summary>One fact, 32 bytes. The same record feeds metrics, trace, dashboard, journal and fingerprint.</summary>
/// <param name="Amount">Tokens, blocks, or a reason code; the unit is fixed by <paramref name="Kind"/>.</param>
public readonly record struct SluiceEvent(Instant At, RequestId Request, EngineId Engine, int Amount, EventKind Kind);

/// <summary>Where facts go. Called on the writer's thread; an implementation that does I/O hands off and
/// returns.</summary>
public interface IEventSink
{
    void Emit(in SluiceEvent e);
}
