#pragma warning disable OPENAI001 // The client calls its responses experimental.
using System.ClientModel;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Embeddings;
using OpenAI.Responses;
using Sluice.Upstreams;

namespace Sluice.Gateway.Tests;

/// <summary>OpenAI's own client for .NET, as it is.</summary>
public sealed class OpenAiClientTests
{
    private const string ToolCall =
        """{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Ulm\"}"}}]},"finish_reason":"tool_calls"}""";

    [Fact]
    public async Task It_chats()
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());

        ChatCompletion answer = await Chat(gateway).CompleteChatAsync("hello");

        Assert.Equal("one two three", answer.Content[0].Text);
        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
        Assert.Equal(13, answer.Usage.TotalTokenCount);
    }

    [Fact]
    public async Task It_streams()
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());

        var (text, usage) = ("", 0);
        await foreach (var update in Chat(gateway).CompleteChatStreamingAsync("hello"))
        {
            text += string.Concat(update.ContentUpdate.Select(c => c.Text));
            usage += update.Usage?.OutputTokenCount ?? 0;
        }

        Assert.Equal("one two three", text);
        Assert.Equal(3, usage);
    }

    [Theory]
    [InlineData("default")]
    [InlineData("background")] // Gathered from a stream.
    public async Task It_calls_tools(string className)
    {
        var engine = new FakeUpstream { Script = CallTool };
        await using var gateway = await TestGateway.StartAsync(engine);
        var options = new ChatCompletionOptions
        {
            Tools = { ChatTool.CreateFunctionTool("weather", "The weather", BinaryData.FromString("""{"type":"object"}""")) },
        };

        ChatCompletion answer = await Chat(gateway, className).CompleteChatAsync([new UserChatMessage("hello")], options);

        Assert.Equal(ChatFinishReason.ToolCalls, answer.FinishReason);
        Assert.Equal("weather", answer.ToolCalls[0].FunctionName);
        Assert.Equal("""{"city":"Ulm"}""", answer.ToolCalls[0].FunctionArguments.ToString());
    }

    [Fact]
    public async Task It_embeds()
    {
        var engine = new FakeUpstream
        {
            Script = async (_, sink, cancel) =>
            {
                await sink.OnDataAsync(
                    """{"object":"list","model":"m","data":[{"object":"embedding","index":0,"embedding":"AACAPwAAAEA="}],"usage":{"prompt_tokens":3,"total_tokens":3}}"""u8.ToArray(),
                    0, cancel);
                return new(CallEnd.Completed, 200, 3, 0, "");
            },
        };
        await using var gateway = await TestGateway.StartAsync(engine);

        OpenAIEmbedding embedding = await new EmbeddingClient("m", s_key, Options(gateway)).GenerateEmbeddingAsync("text");

        Assert.Equal([1f, 2f], embedding.ToFloats().ToArray());
    }

    [Fact]
    public async Task It_understands_our_errors_and_does_not_retry_what_is_hopeless()
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());

        var error = await Assert.ThrowsAsync<ClientResultException>(
            () => new ChatClient("nobody", s_key, Options(gateway)).CompleteChatAsync("hello"));

        Assert.Equal(404, error.Status);
        Assert.Contains("model_not_found", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_responds()
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());

        ResponseResult response = await Responses(gateway).CreateResponseAsync("m", "hello");

        Assert.Equal("one two three", response.GetOutputText());
        Assert.Equal(ResponseStatus.Completed, response.Status);
        Assert.Equal(3, response.Usage.OutputTokenCount);
        ResponseResult again = await Responses(gateway).GetResponseAsync(response.Id);
        Assert.Equal("one two three", again.GetOutputText());
    }

    [Fact]
    public async Task It_streams_a_response()
    {
        await using var gateway = await TestGateway.StartAsync(new FakeUpstream());

        var text = "";
        ResponseResult? whole = null;
        await foreach (var update in await Responses(gateway).CreateResponseStreamingAsync("m", "hello"))
        {
            if (update is StreamingResponseOutputTextDeltaUpdate delta) text += delta.Delta;
            if (update is StreamingResponseCompletedUpdate completed) whole = completed.Response;
        }

        Assert.Equal("one two three", text);
        Assert.Equal("one two three", whole?.GetOutputText());
    }

    private static readonly ApiKeyCredential s_key = new("none");

    private static OpenAIClientOptions Options(TestGateway gateway) => new() { Endpoint = new Uri(gateway.Address, "v1") };

    private static ChatClient Chat(TestGateway gateway, string className = "default")
    {
        var options = Options(gateway);
        options.AddPolicy(new ClassPolicy(className), System.ClientModel.Primitives.PipelinePosition.PerCall);
        return new("m", s_key, options);
    }

    private static ResponsesClient Responses(TestGateway gateway) =>
        new(s_key, new ResponsesClientOptions { Endpoint = new Uri(gateway.Address, "v1") });

    private static async Task<CallOutcome> CallTool(UpstreamCall call, IAnswerSink sink, CancellationToken cancel)
    {
        if (call.Stream)
        {
            await FakeUpstream.ChunkAsync(call, sink, ToolCall, 1);
            return new(CallEnd.Completed, 200, 5, 1, "");
        }

        await sink.OnDataAsync(
            System.Text.Encoding.UTF8.GetBytes(
                """{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[""" +
                ToolCall.Replace("delta", "message", StringComparison.Ordinal) + "]}"),
            1, cancel);
        return new(CallEnd.Completed, 200, 5, 1, "");
    }

    private sealed class ClassPolicy(string name) : System.ClientModel.Primitives.PipelinePolicy
    {
        public override void Process(
            System.ClientModel.Primitives.PipelineMessage message, IReadOnlyList<System.ClientModel.Primitives.PipelinePolicy> pipeline,
            int currentIndex)
        {
            message.Request.Headers.Set("x-sluice-class", name);
            ProcessNext(message, pipeline, currentIndex);
        }

        public override ValueTask ProcessAsync(
            System.ClientModel.Primitives.PipelineMessage message, IReadOnlyList<System.ClientModel.Primitives.PipelinePolicy> pipeline,
            int currentIndex)
        {
            message.Request.Headers.Set("x-sluice-class", name);
            return ProcessNextAsync(message, pipeline, currentIndex);
        }
    }
}
