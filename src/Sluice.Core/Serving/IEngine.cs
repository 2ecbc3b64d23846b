namespace Sluice.Core;

/// <summary>Commands to one engine. None of them waits: results come back as events. Remote, simulated and embedded engines
/// implement the same commands.</summary>
public interface IEngine
{
    EngineId Id { get; }

    /// <param name="predicted">Predicted length of the whole answer.</param>
    /// <param name="outputTokens">Tokens the caller already has from an engine that was lost; the answer goes on after
    /// them.</param>
    void Submit(Instant now, Request request, TokenEstimate predicted, int outputTokens);

    /// <summary>Comes back as <see cref="EventKind.Cancelled"/>, or as <see cref="EventKind.Finished"/> if that was
    /// first.</summary>
    void Cancel(Instant now, RequestId request);
}
