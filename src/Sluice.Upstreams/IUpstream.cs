using Sluice.Core;

namespace Sluice.Upstreams;

/// <summary>One engine that answers calls of the OpenAI API: elsewhere over HTTP, in process, or paced by a
/// profile.</summary>
/// <remarks>A driver translates; it decides nothing. Who calls it owns the accounting, the order and the retries. Methods may
/// be called from any thread and at the same time.</remarks>
public interface IUpstream : IAsyncDisposable
{
    /// <summary>Unique among the engines of a gateway; as configured, or made from the address.</summary>
    string Name { get; }

    /// <summary>What it was found to be able to do, at the last <see cref="ProbeAsync"/>.</summary>
    UpstreamCapabilities Capabilities { get; }

    /// <summary>Why the last probe failed, for a log or a person; null if it did not.</summary>
    string? Problem => null;

    /// <summary>Asks the engine what it is and what it can do.</summary>
    /// <returns>False if it does not answer or is still starting; <see cref="Problem"/> then says which.</returns>
    Task<bool> ProbeAsync(CancellationToken cancel);

    /// <summary>Makes one call and hands its answer to <paramref name="sink"/> as it comes.</summary>
    /// <returns>How it ended. A fault of the engine is an outcome, not an exception; what the sink throws comes out as it
    /// is, after the engine was told to stop.</returns>
    /// <param name="cancel">The caller left, or the work is evicted: the engine is told to stop within
    /// milliseconds.</param>
    Task<CallOutcome> CallAsync(UpstreamCall call, IAnswerSink sink, CancellationToken cancel);

    /// <summary>What the engine says of itself now; null if it does not say or does not answer.</summary>
    Task<UpstreamReport?> ReportAsync(CancellationToken cancel);

    /// <summary>What is known of its speed and room with a model before anything runs; null if nothing is.</summary>
    ModelOnEngine? SpeedOf(string model) => null;

    /// <summary>Asks the engine how many tokens a call's prompt has.</summary>
    /// <returns>-1 if it cannot say.</returns>
    Task<int> PromptTokensAsync(UpstreamCall call, CancellationToken cancel) => Task.FromResult(-1);

    /// <summary>Makes a model ready by whichever primitive the engine has: wake, load, keep alive; whatever has to go for it
    /// goes. Only while no call is under way; calls just cancelled may still be leaving.</summary>
    /// <returns>False if it did not come to be ready.</returns>
    Task<bool> LoadAsync(string model, CancellationToken cancel);
}
