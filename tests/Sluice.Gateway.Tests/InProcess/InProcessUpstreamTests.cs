using System.Text;
using System.Text.Json;
using Sluice.Core;
using Sluice.Engine;
using Sluice.Policies;
using Sluice.Testing;
using Sluice.Upstreams;

namespace Sluice.Gateway.Tests;

public sealed class InProcessUpstreamTests
{
    private static readonly Tokenizer s_tokenizer = TestTokenizer.ByteLevel();

    [Fact]
    public async Task A_chat_comes_as_one_object_or_as_events_with_the_same_text()
    {
        await using var upstream = await UpAsync();
        const string Body = """{"messages":[{"role":"user","content":"how are you"}],"max_tokens":20,"temperature":0,"ignore_eos":true,"stream_options":{"include_usage":true}}""";

        var whole = await CallAsync(upstream, Body);
        var streamed = await CallAsync(upstream, Body, stream: true);

        var choice = whole.Json.GetProperty("choices")[0];
        var text = choice.GetProperty("message").GetProperty("content").GetString();
        Assert.Equal(text, streamed.Text(0));
        Assert.True(text!.Length > 10);
        Assert.Equal("length", choice.GetProperty("finish_reason").GetString());
        Assert.Equal("chat.completion", whole.Json.GetProperty("object").GetString());
        Assert.Equal(20, whole.Json.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.Equal((CallEnd.Completed, 200, 20), (streamed.Outcome.End, streamed.Outcome.Status, streamed.Outcome.OutputTokens));
        Assert.Equal(whole.Outcome.PromptTokens, streamed.Outcome.PromptTokens);
        Assert.Equal(20, streamed.Tokens);
        Assert.Equal("assistant", streamed.Events[0].GetProperty("choices")[0].GetProperty("delta").GetProperty("role").GetString());
        Assert.Equal(20, streamed.Events[^1].GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.Equal("length", streamed.Events[^2].GetProperty("choices")[0].GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task Several_prompts_and_answers_are_counted_through_and_a_seed_repeats_them()
    {
        await using var upstream = await UpAsync();
        const string Body = """{"prompt":["one two","three"],"n":3,"max_tokens":8,"seed":5,"temperature":1,"ignore_eos":true}""";

        var first = await CallAsync(upstream, Body, UpstreamApi.Completions);
        var again = await CallAsync(upstream, Body, UpstreamApi.Completions);
        var other = await CallAsync(upstream, Body.Replace("5", "6"), UpstreamApi.Completions);

        string[] texts = [.. first.Json.GetProperty("choices").EnumerateArray().Select(c => c.GetProperty("text").GetString()!)];
        Assert.Equal(6, texts.Distinct().Count());
        Assert.Equal(Enumerable.Range(0, 6), first.Json.GetProperty("choices").EnumerateArray().Select(c => c.GetProperty("index").GetInt32()));
        Assert.Equal(first.Json.GetProperty("choices").GetRawText(), again.Json.GetProperty("choices").GetRawText());
        Assert.NotEqual(first.Json.GetProperty("choices").GetRawText(), other.Json.GetProperty("choices").GetRawText());
        Assert.Equal(48, first.Outcome.OutputTokens);
    }

    [Fact]
    public async Task Log_probabilities_have_the_shapes_of_both_APIs()
    {
        await using var upstream = await UpAsync();
        var chat = await CallAsync(
            upstream, """{"messages":[{"role":"user","content":"a"}],"max_tokens":3,"temperature":0,"logprobs":true,"top_logprobs":2}""");
        var completion = await CallAsync(
            upstream, """{"prompt":"a","max_tokens":3,"temperature":0,"logprobs":2}""", UpstreamApi.Completions);

        var content = chat.Json.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("content");
        Assert.Equal(3, content.GetArrayLength());
        Assert.Equal(2, content[0].GetProperty("top_logprobs").GetArrayLength());
        Assert.Equal(content[0].GetProperty("logprob").GetDouble(), content[0].GetProperty("top_logprobs")[0].GetProperty("logprob").GetDouble());
        var legacy = completion.Json.GetProperty("choices")[0].GetProperty("logprobs");
        Assert.Equal(3, legacy.GetProperty("tokens").GetArrayLength());
        Assert.Equal(3, legacy.GetProperty("text_offset").GetArrayLength());
        Assert.InRange(legacy.GetProperty("token_logprobs")[0].GetDouble(), -10, 0);
    }

    [Fact]
    public async Task An_interrupted_answer_goes_on_from_its_very_tokens()
    {
        await using var upstream = await UpAsync();
        const string Body = """{"messages":[{"role":"user","content":"go on"}],"max_tokens":60,"temperature":1,"seed":9,"ignore_eos":true}""";
        var whole = await CallAsync(upstream, Body, stream: true, id: 1);
        using var cancel = new CancellationTokenSource();
        var begun = new Collected { After = c => { if (c.Tokens >= 25) cancel.Cancel(); } };

        var outcome = await upstream.CallAsync(Call(Body, UpstreamApi.ChatCompletions, true, 2), begun, cancel.Token);
        var resumed = await CallAsync(upstream, Body, stream: true, id: 2, resume: new(begun.Text(0), begun.Tokens));

        Assert.Equal(CallEnd.Cancelled, outcome.End);
        Assert.Equal(whole.Text(0), begun.Text(0) + resumed.Text(0));
        Assert.Equal(60, begun.Tokens + resumed.Tokens);
    }

    [Theory]
    [InlineData("""{"messages":[]}""", "messages is empty")]
    [InlineData("""{"messages":"hi"}""", "messages must be a list")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"n":0}""", "n must be a whole number")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"temperature":-1}""", "temperature must be a number")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"stop":[1]}""", "stop must be text")]
    [InlineData("[]", "must be a JSON object")]
    [InlineData("{", "not JSON")]
    public async Task What_cannot_be_used_is_refused_by_name(string body, string message)
    {
        await using var upstream = await UpAsync();

        var outcome = (await CallAsync(upstream, body)).Outcome;

        Assert.Equal((CallEnd.Refused, 400), (outcome.End, outcome.Status));
        Assert.Contains(message, outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Models_change_places_within_the_memory_and_those_in_use_stay()
    {
        await using var upstream = new InProcessUpstream(new()
        {
            Models = [new("a", "a"), new("b", "b"), new("c", "c")], MemoryBytes = 250, Open = file => Open(file, bytes: 100),
        }, TimeProvider.System);

        Assert.False(await upstream.LoadAsync("d", default));
        Assert.True(await upstream.LoadAsync("a", default));
        Assert.True(await upstream.LoadAsync("b", default));
        Assert.Equal(["a", "b"], Loaded(upstream));
        Assert.True(await upstream.LoadAsync("c", default));

        Assert.Equal(["b", "c"], Loaded(upstream));
        Assert.Equal(3, upstream.LoadTimes.Count);
        var missing = await CallAsync(upstream, """{"prompt":"x"}""", UpstreamApi.Completions, model: "a");
        var unknown = await CallAsync(upstream, """{"prompt":"x"}""", UpstreamApi.Completions, model: "z");
        Assert.Equal((CallEnd.Busy, CallEnd.Refused, 404), (missing.Outcome.End, unknown.Outcome.End, unknown.Outcome.Status));
    }

    private static string[] Loaded(InProcessUpstream upstream) =>
        [.. upstream.Capabilities.Models.Where(m => m.IsLoaded).Select(m => m.Name)];

    private static async Task<InProcessUpstream> UpAsync()
    {
        var upstream = new InProcessUpstream(new() { Models = [new("m", "m")], Open = file => Open(file) }, TimeProvider.System);
        Assert.True(await upstream.LoadAsync("m", default));
        return upstream;
    }

    private static ServingModel Open(ModelFile file, long bytes = 1)
    {
        var model = new FakeTransformer(200, blockTokens: 16, vocabulary: s_tokenizer.Vocabulary.Count);
        var template = ChatTemplate.Parse("{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}");
        var loop = new ServingLoop(model, new RunningFirst(new()), new(), TimeProvider.System);
        return new(new(s_tokenizer, template), loop, 32, bytes, new MemoryStream(), file.Name);
    }

    private static UpstreamCall Call(
        string body, UpstreamApi api, bool stream, long id, string model = "m", AnswerSoFar? resume = null) =>
        new()
        {
            Id = new(id), Api = api, Model = model, Body = Encoding.UTF8.GetBytes(body), Stream = stream, ExternalId = "x",
            Resume = resume,
        };

    private static async Task<Collected> CallAsync(
        InProcessUpstream upstream, string body, UpstreamApi api = UpstreamApi.ChatCompletions, bool stream = false, long id = 0,
        string model = "m", AnswerSoFar? resume = null)
    {
        var sink = new Collected();
        sink.Outcome = await upstream.CallAsync(Call(body, api, stream, id, model, resume), sink, default);
        return sink;
    }

    private sealed class Collected : IAnswerSink
    {
        public CallOutcome Outcome { get; set; }
        public List<JsonElement> Events { get; } = [];
        public int Tokens { get; private set; }
        public Action<Collected>? After { get; init; }
        public JsonElement Json => Assert.Single(Events);

        public string Text(int index) => string.Concat(
            from e in Events
            from choice in e.GetProperty("choices").EnumerateArray()
            where choice.GetProperty("index").GetInt32() == index && choice.GetProperty("delta").TryGetProperty("content", out _)
            select choice.GetProperty("delta").GetProperty("content").GetString());

        public ValueTask OnDataAsync(ReadOnlyMemory<byte> json, int tokens, CancellationToken cancel)
        {
            Events.Add(JsonDocument.Parse(json.ToArray()).RootElement);
            Tokens += tokens;
            After?.Invoke(this);
            return ValueTask.CompletedTask;
        }
    }
}
