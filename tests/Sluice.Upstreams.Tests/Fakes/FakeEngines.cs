using System.Text.Json;
using System.Text.Json.Nodes;

namespace Sluice.Upstreams.Tests;

/// <summary>How one kind of engine words its answers, as recorded or documented: pieces with <c>$TEXT</c>, <c>$ID</c> and
/// <c>$MODEL</c> in them.</summary>
internal sealed record EngineShape(string Role, string Piece, string Last, string Usage, string Refusal);

/// <summary>Servers that answer as the engines do, with a model that always counts.</summary>
internal static class FakeEngines
{
    public const string Model = "m";

    /// <summary>What the model says, token by token.</summary>
    public static readonly string[] Says = ["One", " two", " three", " four", " five."];

    public static readonly EngineShape Vllm = new(
        """{"id":"chatcmpl-$ID","object":"chat.completion.chunk","created":1760000000,"model":"$MODEL","choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning_content":null},"logprobs":null,"finish_reason":null}],"prompt_token_ids":null}""",
        """{"id":"chatcmpl-$ID","object":"chat.completion.chunk","created":1760000000,"model":"$MODEL","choices":[{"index":0,"delta":{"content":$TEXT,"reasoning_content":null},"logprobs":null,"finish_reason":null,"token_ids":null}]}""",
        """{"id":"chatcmpl-$ID","object":"chat.completion.chunk","created":1760000000,"model":"$MODEL","choices":[{"index":0,"delta":{"content":"","reasoning_content":null},"logprobs":null,"finish_reason":"stop","stop_reason":null,"token_ids":null}]}""",
        """{"id":"chatcmpl-$ID","object":"chat.completion.chunk","created":1760000000,"model":"$MODEL","choices":[],"usage":{"prompt_tokens":12,"total_tokens":$TOTAL,"completion_tokens":$OUT}}""",
        """{"error":{"message":"max_tokens must be at least 1, got -1.","type":"BadRequestError","param":"max_tokens","code":400}}""");

    public static readonly EngineShape Sglang = new(
        """{"id":"$ID","object":"chat.completion.chunk","created":1760000000,"model":"$MODEL","choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning_content":null,"tool_calls":null},"logprobs":null,"finish_reason":null,"matched_stop":null}],"usage":null}""",
        """{"id":"$ID","object":"chat.completion.chunk","created":1760000000,"model":"$MODEL","choices":[{"index":0,"delta":{"role":null,"content":$TEXT,"reasoning_content":null,"tool_calls":null},"logprobs":null,"finish_reason":null,"matched_stop":null}],"usage":null}""",
        """{"id":"$ID","object":"chat.completion.chunk","created":1760000000,"model":"$MODEL","choices":[{"index":0,"delta":{"role":null,"content":null,"reasoning_content":null,"tool_calls":null},"logprobs":null,"finish_reason":"stop","matched_stop":2}],"usage":null}""",
        """{"id":"$ID","object":"chat.completion.chunk","created":1760000000,"model":"$MODEL","choices":[],"usage":{"prompt_tokens":12,"total_tokens":$TOTAL,"completion_tokens":$OUT,"prompt_tokens_details":null,"reasoning_tokens":0}}""",
        """{"object":"error","message":"max_tokens must be positive","type":"BadRequestError","param":null,"code":400}""");

    public static readonly EngineShape LlamaCpp = new(
        """{"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":1760000000,"id":"chatcmpl-$ID","model":"$MODEL","system_fingerprint":"b9000-0123456","object":"chat.completion.chunk"}""",
        """{"choices":[{"finish_reason":null,"index":0,"delta":{"content":$TEXT}}],"created":1760000000,"id":"chatcmpl-$ID","model":"$MODEL","system_fingerprint":"b9000-0123456","object":"chat.completion.chunk"}""",
        """{"choices":[{"finish_reason":"stop","index":0,"delta":{}}],"created":1760000000,"id":"chatcmpl-$ID","model":"$MODEL","system_fingerprint":"b9000-0123456","object":"chat.completion.chunk"}""",
        """{"choices":[],"created":1760000000,"id":"chatcmpl-$ID","model":"$MODEL","system_fingerprint":"b9000-0123456","object":"chat.completion.chunk","usage":{"completion_tokens":$OUT,"prompt_tokens":12,"total_tokens":$TOTAL},"timings":{"prompt_n":12,"prompt_ms":20.1,"predicted_n":5,"predicted_ms":30.5}}""",
        """{"error":{"code":400,"message":"max_tokens must be positive","type":"invalid_request_error"}}""");

    public static readonly EngineShape Ollama = new(
        "",
        """{"id":"chatcmpl-$ID","object":"chat.completion.chunk","created":1760000000,"model":"$MODEL","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"role":"assistant","content":$TEXT},"finish_reason":null}]}""",
        """{"id":"chatcmpl-$ID","object":"chat.completion.chunk","created":1760000000,"model":"$MODEL","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":"stop"}]}""",
        """{"id":"chatcmpl-$ID","object":"chat.completion.chunk","created":1760000000,"model":"$MODEL","system_fingerprint":"fp_ollama","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":$OUT,"total_tokens":$TOTAL}}""",
        """{"error":{"message":"max_tokens must be positive","type":"invalid_request_error","param":null,"code":null}}""");

    /// <summary>Answers chats, completions and embeddings.</summary>
    public static void MapModel(FakeServer server, EngineShape shape)
    {
        server.Map("POST /v1/chat/completions", (request, reply) => AnswerAsync(request, reply, shape, isChat: true));
        server.Map("POST /v1/completions", (request, reply) => AnswerAsync(request, reply, shape, isChat: false));
        server.Map("POST /v1/embeddings", """{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.6,0.8]}],"model":"m","usage":{"prompt_tokens":3,"total_tokens":3}}""");
    }

    public static FakeServer MakeVllm()
    {
        var server = new FakeServer();
        MapModel(server, Vllm);
        server.Map("GET /v1/models", """{"object":"list","data":[{"id":"m","object":"model","created":1760000000,"owned_by":"vllm","root":"m","parent":null,"max_model_len":8192,"permission":[]}]}""");
        server.Map("GET /version", """{"version":"0.15.0"}""");
        server.Map("GET /is_sleeping", """{"is_sleeping":false}""");
        server.Map("POST /abort_requests", "{}");
        server.Map("POST /tokenize", """{"count":17,"max_model_len":8192,"tokens":[1,2,3]}""");
        server.MapText("GET /metrics", VllmMetrics);
        return server;
    }

    public static FakeServer MakeSglang()
    {
        var server = new FakeServer();
        MapModel(server, Sglang);
        server.Map("GET /v1/models", """{"object":"list","data":[{"id":"m","object":"model","created":1760000000,"owned_by":"sglang","root":"m","parent":null,"max_model_len":32768}]}""");
        server.Map("GET /get_server_info", """{"version":"0.5.6","max_running_requests":48,"enable_priority_scheduling":true,"schedule_low_priority_values_first":false,"enable_memory_saver":true,"schedule_policy":"fcfs"}""");
        server.Map("POST /abort_request", "{}");
        server.Map("POST /tokenize", """{"tokens":[1,2,3],"count":17,"max_model_len":32768}""");
        server.Map("POST /release_memory_occupation", (_, reply) => reply.WholeAsync(200, "text/plain", ""));
        server.Map("POST /resume_memory_occupation", (_, reply) => reply.WholeAsync(200, "text/plain", ""));
        server.MapText("GET /metrics", SglangMetrics);
        return server;
    }

    public static FakeServer MakeLlamaCpp()
    {
        var server = new FakeServer();
        MapModel(server, LlamaCpp);
        server.Map("GET /health", """{"status":"ok"}""");
        server.Map("GET /v1/models", """{"models":[{"name":"m","model":"m"}],"object":"list","data":[{"id":"m","object":"model","created":1760000000,"owned_by":"llamacpp","meta":{"vocab_type":1,"n_ctx_train":32768}}]}""");
        server.Map("GET /props", """{"default_generation_settings":{"id":0,"n_ctx":4096},"total_slots":4,"model_path":"m.gguf","build_info":"b9000-0123456","is_sleeping":false}""");
        server.Map("GET /slots", """[{"id":0,"n_ctx":4096,"is_processing":true},{"id":1,"n_ctx":4096,"is_processing":false},{"id":2,"n_ctx":4096,"is_processing":true},{"id":3,"n_ctx":4096,"is_processing":false}]""");
        server.MapText("GET /metrics", LlamaCppMetrics);
        server.Map("POST /v1/chat/completions/input_tokens", """{"object":"response.input_tokens","input_tokens":17}""");
        return server;
    }

    public static FakeServer MakeOllama()
    {
        var server = new FakeServer();
        MapModel(server, Ollama);
        server.Map("GET /v1/models", """{"object":"list","data":[{"id":"m","object":"model","created":1760000000,"owned_by":"library"},{"id":"other","object":"model","created":1760000000,"owned_by":"library"}]}""");
        server.Map("GET /api/version", """{"version":"0.12.6"}""");
        server.Map("GET /api/tags", """{"models":[{"name":"m","model":"m","size":1321098329,"details":{"family":"llama"}},{"name":"other","model":"other","size":1}]}""");
        server.Map("GET /api/ps", """{"models":[{"name":"m","model":"m","size":2000000000,"size_vram":2000000000,"expires_at":"2026-01-01T00:05:00Z","context_length":4096}]}""");
        server.Map("POST /api/generate", """{"model":"m","created_at":"2026-01-01T00:00:00Z","response":"","done":true,"done_reason":"load"}""");
        return server;
    }

    public const string VllmMetrics = """
        # HELP vllm:num_requests_running Number of requests in model execution batches.
        # TYPE vllm:num_requests_running gauge
        vllm:num_requests_running{engine="0",model_name="m"} 3.0
        # TYPE vllm:num_requests_waiting gauge
        vllm:num_requests_waiting{engine="0",model_name="m"} 2.0
        vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
        vllm:cache_config_info{block_size="16",cache_dtype="auto",engine="0",num_gpu_blocks="2048",prefix_caching_hash_algo="builtin"} 1.0
        vllm:generation_tokens_total{engine="0",model_name="m"} 12345.0
        vllm:time_to_first_token_seconds_bucket{engine="0",le="0.001",model_name="m"} 0.0

        """;

    public const string SglangMetrics = """
        # TYPE sglang:num_running_reqs gauge
        sglang:num_running_reqs{engine_type="unified",model_name="m",tp_rank="0"} 3.0
        sglang:num_queue_reqs{engine_type="unified",model_name="m",tp_rank="0"} 2.0
        sglang:token_usage{engine_type="unified",model_name="m",tp_rank="0"} 0.25
        sglang:max_total_num_tokens{engine_type="unified",model_name="m"} 32768.0
        sglang:cache_config_info{num_pages="2048",page_size="16"} 1.0
        sglang:generation_tokens_total{model_name="m"} 12345.0

        """;

    public const string LlamaCppMetrics = """
        # HELP llamacpp:requests_processing Number of requests processing.
        # TYPE llamacpp:requests_processing gauge
        llamacpp:requests_processing 2
        llamacpp:requests_deferred 5
        llamacpp:tokens_predicted_total 12345

        """;

    private static async Task AnswerAsync(FakeRequest request, FakeReply reply, EngineShape shape, bool isChat)
    {
        var body = request.Json;
        if ((int?)body["max_tokens"] < 0)
        {
            await reply.JsonAsync(400, shape.Refusal);
            return;
        }

        var had = isChat ? BegunBy(body) : (string)body["prompt"]!;
        var at = Enumerable.Range(0, Says.Length + 1).Last(k => had.EndsWith(string.Concat(Says.Take(k)), StringComparison.Ordinal));
        var count = Math.Min(Says.Length - at, (int?)body["max_tokens"] ?? int.MaxValue);
        var tokens = Says.Skip(at).Take(count).ToArray();

        string Fill(string piece, string text = "") => (isChat ? piece : Completion(piece))
            .Replace("$ID", request.Headers.GetValueOrDefault("X-Request-Id", "1")).Replace("$MODEL", (string)body["model"]!)
            .Replace("$TEXT", JsonSerializer.Serialize(text))
            .Replace("$OUT", $"{tokens.Length}").Replace("$TOTAL", $"{12 + tokens.Length}");

        if ((bool?)body["stream"] != true)
        {
            var whole = JsonNode.Parse(Fill(shape.Last))!;
            whole["choices"]![0]!.AsObject().Remove("delta");
            if (isChat) whole["choices"]![0]!["message"] = new JsonObject { ["role"] = "assistant", ["content"] = string.Concat(tokens) };
            else whole["choices"]![0]!["text"] = string.Concat(tokens);
            whole["usage"] = JsonNode.Parse(Fill(shape.Usage))!["usage"]!.DeepClone();
            await reply.JsonAsync(200, whole.ToJsonString());
            return;
        }

        await reply.StreamAsync();
        if (isChat && shape.Role.Length > 0) await reply.EventAsync(Fill(shape.Role));
        foreach (var token in tokens) await reply.EventAsync(Fill(shape.Piece, token));
        await reply.EventAsync(Fill(shape.Last));
        if ((bool?)body["stream_options"]?["include_usage"] == true) await reply.EventAsync(Fill(shape.Usage));
        await reply.PieceAsync("data: [DONE]\n\n");
    }

    /// <summary>Text of a last message that is the assistant's.</summary>
    private static string BegunBy(JsonNode body)
    {
        var last = body["messages"]!.AsArray()[^1]!;
        return (string?)last["role"] == "assistant" ? (string)last["content"]! : "";
    }

    /// <summary>The same event of a completion.</summary>
    private static string Completion(string piece)
    {
        var json = JsonNode.Parse(piece.Replace("$TEXT", "\"$TEXT\"").Replace("$OUT", "1").Replace("$TOTAL", "1"))!;
        foreach (var choice in json["choices"]!.AsArray())
        {
            choice!["text"] = (string?)choice["delta"]?["content"] ?? "";
            choice.AsObject().Remove("delta");
        }

        json["object"] = "text_completion";
        if (json["usage"] is JsonObject usage) (usage["completion_tokens"], usage["total_tokens"]) = ("$OUT", "$TOTAL");
        return json.ToJsonString().Replace("\"$TEXT\"", "$TEXT").Replace("\"$OUT\"", "$OUT").Replace("\"$TOTAL\"", "$TOTAL");
    }
}
