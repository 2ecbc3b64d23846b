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

    /// <summary>Why the last probe or load failed, for a log or a person; null if it did not.</summary>
    string? Problem => null;

    /// <summary>Asks the engine what it is and what it can do.</summary>
    /// <returns>False if it does not answer or is still starting; <see cref="Problem"/> then says which.</returns>
    Task<bool> ProbeAsync(CancellationToken cancel);

    /// <summary>Makes one call and hands its answer to <paramref name="sink"/> as it comes.</summary>
    /// <returns>How it ended. A fault of the engine is an outcome, not an exception; what the sink throws comes out as it
    /// is, after the engine was told to stop.</returns>
    /// <param name="cancel">The caller left, or nothing is to be kept: the engine is told to stop within milliseconds. Work
    /// that is to go on here later is taken off by <see cref="TryEvict"/> instead.</param>
    Task<CallOutcome> CallAsync(UpstreamCall call, IAnswerSink sink, CancellationToken cancel);

    /// <summary>Asks for a call under way to be taken off and kept, as far as <see cref="UpstreamCapabilities.Keeping"/> says.
    /// Does not wait: <see cref="CallAsync"/> then returns <see cref="CallEnd.Evicted"/>, or another end that was first, and
    /// <see cref="Keeps"/> says what came of it.</summary>
    /// <returns>False if no such call is under way or nothing can be kept of it: whoever wants it off cancels it.</returns>
    bool TryEvict(RequestId request) => false;

    /// <summary>What was computed of an evicted call is still here.</summary>
    bool Keeps(RequestId request) => false;

    /// <summary>An evicted call goes on elsewhere, or not at all: nothing of it need be kept.</summary>
    void Forget(RequestId request)
    {
    }

    /// <summary>Moves a call under way, with what was computed of it, to another engine, and returns once it runs there or it is
    /// plain that it will not. <see cref="CallAsync"/> of this driver goes on handing out its answer; whatever else is asked of the
    /// call is then asked of the other engine, which its sink is told (<see cref="IAnswerSink.OnMoved"/>).</summary>
    /// <returns>False if it stays where it is, or has ended.</returns>
    Task<bool> TryMoveAsync(RequestId request, IUpstream to) => Task.FromResult(false);

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
