using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Layouts of recorded workloads that can be read, each plain or gzipped.</summary>
public enum TraceFormat
{
    /// <summary>Recognise the layout by the header, or by the names in the first JSON line.</summary>
    Auto,

    /// <summary>Azure LLM inference 2023 and 2024, and multimodal 2025.</summary>
    Azure,

    /// <summary>BurstGPT, parts 1, 2 and 3.</summary>
    BurstGpt,

    /// <summary>Mooncake (FAST'25), one hash id per 512 tokens.</summary>
    Mooncake,

    /// <summary>Qwen/Bailian anonymised usage, one hash id per 16 tokens.</summary>
    Bailian,

    /// <summary>LLMServingSim, one hash id per 16 tokens.</summary>
    LlmServingSim,

    /// <summary>Vidur's processed length files: no arrival times.</summary>
    Lengths,

    /// <summary>Sluice's own CSV.</summary>
    Csv,

    /// <summary>Sluice's own CSV as one JSON object per line.</summary>
    Jsonl,
}

/// <summary>The name of each layout on a command line, and what its first line looks like.</summary>
public static class TraceFormats
{
    /// <summary>In the order of the enum, without <see cref="TraceFormat.Auto"/>.</summary>
    public static IReadOnlyList<(TraceFormat Format, string Name, string FirstLine)> All { get; } =
    [
        (TraceFormat.Azure, "azure", "TIMESTAMP,ContextTokens,GeneratedTokens (and NumImages in the 2025 trace)"),
        (TraceFormat.BurstGpt, "burstgpt",
            "Timestamp,[Session ID,Elapsed time,]Model,Request tokens,Response tokens,Total tokens,Log Type"),
        (TraceFormat.Mooncake, "mooncake",
            """{"timestamp": ms, "input_length": n, "output_length": n, "hash_ids": [one per 512 tokens]}"""),
        (TraceFormat.Bailian, "bailian",
            """{"chat_id": n, "timestamp": s, "input_length": n, "output_length": n, "hash_ids": [one per 16 tokens]}"""),
        (TraceFormat.LlmServingSim, "llmservingsim",
            """{"input_toks": n, "output_toks": n, "arrival_time_ns": ns, "hash_ids": [one per 16 tokens]}"""),
        (TraceFormat.Lengths, "lengths", "num_prefill_tokens,num_decode_tokens (no arrivals: needs an arrival process)"),
        (TraceFormat.Csv, "csv",
            "arrived_at,num_prefill_tokens,num_decode_tokens[,model,tenant,class,prefix_id] (seconds, tokens)"),
        (TraceFormat.Jsonl, "jsonl", """{"arrived_at": s, "num_prefill_tokens": n, "num_decode_tokens": n, ...as csv}"""),
    ];

    /// <exception cref="InputException">There is no layout of this name.</exception>
    public static TraceFormat Parse(string name)
    {
        // ShareGPT's lengths come as 'lengths' or 'llmservingsim'; the first line tells which.
        if (name is "auto" or "sharegpt") return TraceFormat.Auto;
        foreach (var (format, known, _) in All)
            if (known == name) return format;

        string[] names = ["auto", .. All.Select(entry => entry.Name), "sharegpt"];
        throw new InputException($"trace format '{name}': {Nearest.HintAndList(name, names)}");
    }

    /// <summary>The names, for the message that says none was recognised.</summary>
    internal static string Names => string.Join(", ", All.Select(entry => entry.Name));
}
