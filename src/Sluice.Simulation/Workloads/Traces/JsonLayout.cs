using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>The property names and units of one JSON Lines layout. A null name: the layout has no such property.</summary>
internal sealed record JsonLayout(string Time, double SecondsPerUnit, string Prompt, string Output)
{
    public string? HashIds { get; init; }
    public int HashBlockTokens { get; init; } = int.MaxValue;
    public string? Model { get; init; }
    public string? Tenant { get; init; }
    public string? Class { get; init; }
    public string? PrefixId { get; init; }

    /// <summary>Requests may carry their promises: slo_ttft_ms, slo_tpot_ms and slo_e2e_ms.</summary>
    public bool HasPromises { get; init; }

    public static JsonLayout Of(TraceFormat format) => format switch
    {
        TraceFormat.Mooncake => s_mooncake,
        TraceFormat.Bailian => s_bailian,
        TraceFormat.LlmServingSim => s_llmServingSim,
        TraceFormat.Jsonl => s_own,
        _ => throw new InvariantException($"{format} is not a JSON layout"),
    };

    // Source: kvcache-ai/s_mooncake, Apache-2.0.
    private static readonly JsonLayout s_mooncake = new("timestamp", 1e-3, "input_length", "output_length")
    {
        HashIds = "hash_ids",
        HashBlockTokens = 512,
    };

    // Source: alibaba-edu/qwen-bailian-usagetraces-anon. The kind of use (text, search, image, file) becomes the class.
    private static readonly JsonLayout s_bailian = new("timestamp", 1, "input_length", "output_length")
    {
        HashIds = "hash_ids",
        HashBlockTokens = 16,
        Class = "type",
    };

    // Source: casys-kaist/LLMServingSim, MIT.
    private static readonly JsonLayout s_llmServingSim = new("arrival_time_ns", 1e-9, "input_toks", "output_toks")
    {
        HashIds = "hash_ids",
        HashBlockTokens = 16,
    };

    private static readonly JsonLayout s_own = new("arrived_at", 1, "num_prefill_tokens", "num_decode_tokens")
    {
        Model = "model",
        Tenant = "tenant",
        Class = "class",
        PrefixId = "prefix_id",
        HasPromises = true,
    };
}
