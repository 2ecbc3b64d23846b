namespace Sluice.Gateway;

/// <summary>What every endpoint works with.</summary>
public sealed class GatewayServices
{
    private volatile UrgencyReader _urgency;
    private volatile GatewayOptions _options;

    internal GatewayServices(GatewayOptions options, DispatcherLoop loop, ICallers callers, ILogger log)
    {
        (_options, Loop, Callers, Log) = (options, loop, callers, log);
        _urgency = new(options);
        Engines = new(this);
        Bodies = new(options.BodyBytesMax, options.BodiesBytesMax);
    }

    /// <summary>As they are now; a reload changes some of them.</summary>
    public GatewayOptions Options => _options;
    public DispatcherLoop Loop { get; }
    public ICallers Callers { get; }
    public ILogger Log { get; }

    /// <summary>When the gateway started, for models' <c>created</c>.</summary>
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>Probes were made once; what answered has joined.</summary>
    public bool IsReady { get; internal set; }

    internal EngineSet Engines { get; }
    internal BodyReader Bodies { get; }
    internal RequestIds Ids { get; } = new();
    internal TokenRatios Tokens { get; } = new();

    /// <summary>From here on, other classes, aliases and polarity.</summary>
    internal void Change(GatewayOptions options)
    {
        Loop.Models.Aliases = options.Aliases;
        (_options, _urgency) = (options, new(options));
    }

    /// <summary>Makes a call of a request: which model, how urgent, how long.</summary>
    /// <param name="headers">The caller's.</param>
    /// <returns>What is wrong with it, or null.</returns>
    internal ApiError? Describe(
        Upstreams.UpstreamApi api, ReadOnlyMemory<byte> body, in BodyFacts facts, IHeaderDictionary headers, Caller caller, string id,
        out LiveCall? call, out Urgency urgency)
    {
        call = null;
        if (_urgency.Read(headers, in facts, caller, out urgency) is { } wrong) return wrong;
        if (ModelOf(facts.Model, headers, out var model) is { } unknown) return unknown;
        var output = facts.HintOutputTokens ?? (facts.OutputTokensMax > 0 ? facts.OutputTokensMax : Options.OutputTokens);
        var isText = facts.IsText && api != Upstreams.UpstreamApi.Embeddings;
        call = new()
        {
            Api = api, Model = model, Body = body, ExternalId = id, Class = urgency.Class, Tenant = caller.Tenant, Slo = urgency.Slo,
            Priority = urgency.Priority, PromptTokens = Tokens.TokensOf(model, facts.PromptBytes),
            OutputTokensMax = api == Upstreams.UpstreamApi.Embeddings ? 1 : output, OnInterruption = urgency.OnInterruption,
            IsText = isText, Refuses = urgency.Refuses, QueueMax = urgency.QueueMax,
            Stream = facts.IsStream || (isText && (Options.Classes[urgency.Class].KeepsProgress
                ?? (facts.StreamsAlike && urgency.OnInterruption == Interruption.Continue))),
            ServiceTier = ServiceTiers.Used(facts.ServiceTier, Options.Classes[urgency.Class].Name),
        };
        if (Options.Telemetry is not null)
            call = call with { TraceParent = headers.TraceParent, TraceState = headers.TraceState };
        return null;
    }

    private ApiError? ModelOf(string? asked, IHeaderDictionary headers, out string model)
    {
        model = "";
        if (headers.TryGetValue("x-llm-d-model-name-rewrite", out var rewritten) && rewritten.Count == 1) asked = rewritten[0];
        if (string.IsNullOrEmpty(asked))
            return ApiError.BadRequest("'model' is missing; GET /v1/models lists the models.", "model", "missing");
        if (Loop.Models.TryResolve(asked, out model, out _)) return null;
        var known = Loop.Models.Names;
        return ApiError.NotFound(
            known.Count == 0
                ? $"The model '{asked}' does not exist here: no engine has joined yet."
                : $"The model '{asked}' does not exist here{Core.Nearest.Hint(asked, known)}. GET /v1/models lists the models.",
            "model_not_found", "model");
    }
}
