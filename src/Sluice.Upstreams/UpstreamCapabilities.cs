namespace Sluice.Upstreams;

public enum UpstreamKind : byte { OpenAi, Vllm, Sglang, LlamaCpp, LlamaCppRouter, Ollama, Paced, InProcess }

/// <summary>How an engine goes on with an answer that it or another engine began.</summary>
public enum Continuation : byte
{
    /// <summary>It cannot: the answer begins anew.</summary>
    None,

    /// <summary>A chat's last message is the assistant's, unfinished.</summary>
    AssistantPrefill,

    /// <summary>The text so far is appended to a completion's prompt.</summary>
    Completion,
}

/// <summary>What an engine keeps of a call that is evicted.</summary>
public enum Keeping : byte
{
    /// <summary>Nothing on purpose: it is cancelled, comes again with what its caller has, and computes all of it again, but
    /// for what a prefix cache still holds.</summary>
    None,

    /// <summary>Its KV, in host memory or in a file: it comes again with what its caller has, and next to nothing is computed
    /// again.</summary>
    Kv,

    /// <summary>All of it, with its KV while there is room: it goes on with its next token, whatever its answer is made
    /// of.</summary>
    Call,
}

/// <summary>What an engine was found to be able to do.</summary>
public sealed record UpstreamCapabilities
{
    public required UpstreamKind Kind { get; init; }

    /// <summary>Version it reports; empty if it does not.</summary>
    public string Version { get; init; } = "";

    /// <summary>Models it can serve, loaded or not.</summary>
    public IReadOnlyList<UpstreamModel> Models { get; init; } = [];

    public Continuation Chat { get; init; }
    public Continuation Completions { get; init; }

    /// <summary>What it keeps of a call that is evicted.</summary>
    public Keeping Keeping { get; init; }

    /// <summary>It reports its own state.</summary>
    public bool HasMetrics { get; init; }

    /// <summary>It can be told to load one of <see cref="Models"/> in place of another.</summary>
    public bool CanSwap { get; init; }

    /// <summary>It honours a <c>priority</c> field.</summary>
    public bool HasPriority { get; init; }

    /// <summary>Sequences it runs at once, 0 if it does not say.</summary>
    public int SequencesMax { get; init; }
}

/// <param name="ContextMax">Most tokens of prompt and answer together, 0 if not known.</param>
public sealed record UpstreamModel(string Name, bool IsLoaded, int ContextMax);

/// <summary>What an engine says of itself; -1 for what it does not say.</summary>
/// <param name="Running">Sequences in its batch.</param>
/// <param name="Waiting">Requests in its own queue.</param>
/// <param name="KvUsed">Share of its KV memory that is taken, 0 to 1.</param>
/// <param name="TotalBlocks">KV blocks it has; slots, where memory is given by the slot.</param>
/// <param name="BlockTokens">Tokens of one of them.</param>
/// <param name="OutputTokens">Produced since it began, for whomever.</param>
public readonly record struct UpstreamReport(
    int Running, int Waiting, double KvUsed, int TotalBlocks, int BlockTokens, long OutputTokens);
