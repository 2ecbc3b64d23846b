namespace Sluice.Simulation.Tests;

/// <summary>The smallest useful example of every layout.</summary>
internal static class TinyTraces
{
    public const string Azure = """
        TIMESTAMP,ContextTokens,GeneratedTokens
        2023-11-16 18:15:46.6805900,374,44
        2023-11-16 18:15:50.9951690,396,109

        """;

    public const string AzureMultimodal = """
        TIMESTAMP,NumImages,ContextTokens,GeneratedTokens
        2024-10-15 00:00:00.009930+00:00,2,2000,44
        2024-10-15 01:00:01.009930+01:00,0,396,109

        """;

    public const string BurstGpt = """
        Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
        5,ChatGPT,472,18,490,Conversation log
        45,GPT-4,1087,230,1317,API log
        118,ChatGPT,417,0,417,Conversation log

        """;

    public const string BurstGptPart3 = """
        Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type
        5.25,7,1.5,ChatGPT,472,18,490,Conversation log

        """;

    public const string Mooncake = """
        {"timestamp": 27482, "input_length": 1030, "output_length": 52, "hash_ids": [46, 47, 48]}
        {"timestamp": 30535, "input_length": 1200, "output_length": 26, "hash_ids": [46, 47, 2354]}

        """;

    public const string Bailian = """
        {"chat_id": 159, "parent_chat_id": -1, "timestamp": 61.114, "input_length": 40, "output_length": 5, "type": "text", "turn": 1, "hash_ids": [1, 2, 3]}
        {"chat_id": 160, "parent_chat_id": 159, "timestamp": 62.0, "input_length": 50, "output_length": 6, "type": "search", "turn": 2, "hash_ids": [1, 2, 9, 10]}

        """;

    public const string LlmServingSim = """
        {"input_toks":33,"output_toks":5,"arrival_time_ns":46926808,"hash_ids":[0,1,2]}
        {"input_toks":34,"output_toks":6,"arrival_time_ns":146926808,"hash_ids":[0,7,8]}

        """;

    public const string Lengths = """
        num_prefill_tokens,num_decode_tokens,num_total_tokens,pd_ratio
        3742,284,4026,0.0758
        18,243,261,13.5

        """;

    public const string Csv = """
        arrived_at,num_prefill_tokens,num_decode_tokens,model,tenant,class,prefix_id
        10.5,64,5,llama,acme,chat,system
        11.0,48,6,qwen,umbra,batch,system
        11.0,32,7,llama,acme,chat,

        """;

    public const string Jsonl = """
        {"arrived_at": 10.5, "num_prefill_tokens": 64, "num_decode_tokens": 5, "model": "llama", "tenant": 3, "prefix_id": "system"}
        {"arrived_at": 11.0, "num_prefill_tokens": 48, "num_decode_tokens": 6, "model": "qwen", "tenant": 4, "prefix_id": "system", "note": {"any": [1]}}

        """;

    public static IReadOnlyList<(TraceFormat Format, string Content)> All { get; } =
    [
        (TraceFormat.Azure, Azure), (TraceFormat.Azure, AzureMultimodal), (TraceFormat.BurstGpt, BurstGpt),
        (TraceFormat.BurstGpt, BurstGptPart3), (TraceFormat.Mooncake, Mooncake), (TraceFormat.Bailian, Bailian),
        (TraceFormat.LlmServingSim, LlmServingSim), (TraceFormat.Lengths, Lengths), (TraceFormat.Csv, Csv),
        (TraceFormat.Jsonl, Jsonl),
    ];
}
