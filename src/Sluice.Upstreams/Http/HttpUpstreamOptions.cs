namespace Sluice.Upstreams;

/// <summary>Where an engine is, and the bounds of what it may do to us.</summary>
public sealed record HttpUpstreamOptions
{
    public required string Name { get; init; }

    /// <summary>As in <c>http://gpu-1:8000</c>; a trailing <c>/v1</c> means the same.</summary>
    public required Uri Address { get; init; }

    /// <summary>Goes out as a bearer token; null for none.</summary>
    public string? ApiKey { get; init; }

    /// <summary>What it is, if that should not be found out.</summary>
    public UpstreamKind? Kind { get; init; }

    /// <summary>To a connection. 2 s: engines are near; one that takes longer is down.</summary>
    public TimeSpan ConnectMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>From a request to its first token, or to a whole answer that is not streamed. 10 min, the patience of OpenAI's
    /// clients: a long prompt behind others may take minutes.</summary>
    public TimeSpan FirstTokenMax { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Between two tokens; what a socket carries besides, such as comments that keep it open, does not count. 60 s:
    /// some engines hold a tool call back until it is complete.</summary>
    public TimeSpan TokenGapMax { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>For a control call: probe, metrics, abort. 5 s: they compute nothing.</summary>
    public TimeSpan ControlMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>For a model to be loaded. 10 min: the largest come from disk at some GB/s.</summary>
    public TimeSpan LoadMax { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Bytes of a stream's event. 1 MiB: with log probabilities of 20 alternatives a token takes about 4 KiB.</summary>
    public int EventBytesMax { get; init; } = 1 << 20;

    /// <summary>Bytes of a whole answer, or of all events of a stream. 256 MiB: 2,048 embeddings of 4,096 numbers take about
    /// 100.</summary>
    public long AnswerBytesMax { get; init; } = 256L << 20;

    /// <summary>Evicted calls whose KV the engine keeps in files. 32: each has the size of a context's KV.</summary>
    public int KeptMax { get; init; } = 32;

    /// <summary>Bytes kept of an answer that says what went wrong.</summary>
    public int ErrorBytesMax { get; init; } = 64 << 10;

    /// <summary>Bytes of an answer to a control call. 4 MiB: the metrics of an engine with many models.</summary>
    public int ControlBytesMax { get; init; } = 4 << 20;

    /// <summary>Bytes of an answer's headers [KiB].</summary>
    public int HeaderKibibytesMax { get; init; } = 64;
}
