using Sluice.Core;

namespace Sluice.Upstreams;

public enum UpstreamApi : byte { ChatCompletions, Completions, Embeddings }

/// <summary>One call as an engine gets it.</summary>
public sealed record UpstreamCall
{
    public required RequestId Id { get; init; }
    public required UpstreamApi Api { get; init; }

    /// <summary>The engine's own name of the model.</summary>
    public required string Model { get; init; }

    /// <summary>The caller's JSON object. <c>model</c> and <c>stream</c> in it are not to be trusted: the fields here
    /// count. Not to be written to again, not even after the call: an engine that answered early may still be sent the
    /// rest.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>True to have the answer token by token, as work that may be evicted or moved must.</summary>
    public required bool Stream { get; init; }

    /// <summary>What the caller has already, when an answer goes on after an eviction or the loss of its engine. The events
    /// of the rest have an id of their own, and their usage counts the rest only. Where nothing is left to say, only the
    /// event that ends the answer comes.</summary>
    public AnswerSoFar? Resume { get; init; }

    /// <summary>It was evicted here and is kept as a whole (<see cref="Keeping.Call"/>): it goes on as if it had never stopped,
    /// with its next event. <see cref="Resume"/> is null then.</summary>
    public bool IsPaused { get; init; }

    /// <summary>Smaller is served first; a driver turns it into its engine's own scale. 0 says nothing.</summary>
    public int Priority { get; init; }

    /// <summary>Correlates logs; goes out as <c>X-Request-Id</c>, with a number behind it where engines stop calls by their
    /// id.</summary>
    public required string ExternalId { get; init; }
}

/// <param name="Text">The text the caller has.</param>
/// <param name="OutputTokens">Tokens that text came in.</param>
public sealed record AnswerSoFar(string Text, int OutputTokens);

/// <summary>Takes an answer in as it comes. Calls for one answer come one after another.</summary>
public interface IAnswerSink
{
    /// <summary>One event of a stream, without <c>data:</c> and without <c>[DONE]</c>; or the whole body of an answer that is
    /// not streamed. The bytes are only valid during the call.</summary>
    /// <remarks>The event that carries nothing but usage comes only if the caller's body asks for it, whether or not the
    /// driver asked the engine for it to count.</remarks>
    /// <param name="tokens">Output tokens in it, as far as they can be counted; 0 for what carries none.</param>
    ValueTask OnDataAsync(ReadOnlyMemory<byte> json, int tokens, CancellationToken cancel);

    /// <summary>The same for an event of a stream that was read already.</summary>
    ValueTask OnEventAsync(ReadOnlyMemory<byte> json, AnswerScan scan, CancellationToken cancel) =>
        OnDataAsync(json, scan.Tokens, cancel);

    /// <summary>The call runs on another engine from here on: what is kept of it is kept there. Returns at once.</summary>
    void OnMoved(IUpstream to)
    {
    }

    /// <summary>Nobody sees single events, so that pieces of text that came together may come as one.</summary>
    bool JoinsText => false;
}

public enum CallEnd : byte
{
    Completed,

    /// <summary>The caller's token was cancelled.</summary>
    Cancelled,

    /// <summary>It was taken off by <see cref="IUpstream.TryEvict"/>.</summary>
    Evicted,

    /// <summary>The engine says the call is wrong; another engine would say the same.</summary>
    Refused,

    /// <summary>The engine cannot take it now.</summary>
    Busy,

    /// <summary>The engine says that it failed, before the first token. The call may be the cause: llama.cpp's server answers
    /// 500 to messages that are no array.</summary>
    Failed,

    /// <summary>The engine is gone, broke off, or answers what nobody understands.</summary>
    Broken,
}

/// <summary>How a call ended.</summary>
/// <param name="End">What it means for whoever made the call.</param>
/// <param name="Status">HTTP status, 0 if there was none.</param>
/// <param name="PromptTokens">As the engine counted, -1 if it did not say.</param>
/// <param name="OutputTokens">As the engine counted, else as counted on the way; without those of
/// <see cref="UpstreamCall.Resume"/>.</param>
/// <param name="Error">The engine's own error body, or what went wrong; empty if nothing.</param>
/// <param name="RetryAfter">When the engine says it is worth to ask again; null if it does not.</param>
public readonly record struct CallOutcome(
    CallEnd End, int Status, int PromptTokens, int OutputTokens, string Error, TimeSpan? RetryAfter = null);
