namespace Sluice.Core;

/// <summary>Commands to one engine. None of them waits: results come back as events. Remote, simulated and embedded engines
/// implement the same commands.</summary>
public interface IEngine
{
    EngineId Id { get; }

    /// <summary>It could have the model loaded, and will again if it is away.</summary>
    bool CanRun(ModelId model);

    /// <param name="predicted">Predicted length of the whole answer.</param>
    /// <param name="outputTokens">Tokens the caller already has from an engine that was lost; the answer goes on after
    /// them.</param>
    void Submit(Instant now, Request request, TokenEstimate predicted, int outputTokens);

    /// <summary>As above, to an engine that may hand it back unserved, which comes back as
    /// <see cref="EventKind.Declined"/>. Engines that cannot judge just take it.</summary>
    void SubmitOrDecline(Instant now, Request request, TokenEstimate predicted, int outputTokens) =>
        Submit(now, request, predicted, outputTokens);

    /// <summary>Comes back as <see cref="EventKind.Cancelled"/>, or as <see cref="EventKind.Finished"/> if that was
    /// first.</summary>
    void Cancel(Instant now, RequestId request);

    /// <summary>Takes a request off; its KV goes to host memory where the engine can keep it. Comes back as
    /// <see cref="EventKind.Evicted"/>, or as <see cref="EventKind.Finished"/> if that was first, or as
    /// <see cref="EventKind.Stayed"/> if it cannot leave.</summary>
    void Evict(Instant now, RequestId request);

    /// <summary>It holds the KV of a request that it gave back as <see cref="EventKind.Evicted"/>, which resumes here without
    /// prefill.</summary>
    bool Keeps(RequestId request) => true;

    /// <summary>Forgets the KV of an evicted request, because it goes on elsewhere or its caller left.</summary>
    void DropEvicted(RequestId request);

    /// <summary>Unloads the model and loads another; only while nothing is outstanding. Comes back as
    /// <see cref="EventKind.ModelLoaded"/> or <see cref="EventKind.LoadFailed"/>.</summary>
    void Load(Instant now, ModelId model);

    /// <summary>Moves a running request with its KV to another engine, while it runs. Comes back as
    /// <see cref="EventKind.Migrated"/>, or not at all if it ended or was refused there.</summary>
    void Migrate(Instant now, RequestId request, EngineId to);
}
