using System.Net;
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
    [InlineData(true, "")]
    [InlineData(false, "")]
    [InlineData(true, ""","n":3""")]
    public async Task An_evicted_answer_goes_on_without_prefill_token_for_token(bool stream, string more)
    {
        var body = $$"""{"messages":[{"role":"user","content":"go on and on"}],"max_tokens":40,"temperature":1,"seed":9,"ignore_eos":true{{more}}}""";
        await using var other = await UpAsync();
        var whole = await CallAsync(other, body, stream: stream);
        ServingModel? model = null;
        using var tokens = new Steps();
        await using var upstream = await UpAsync(file => model = Open(file, onForward: tokens.Take));
        var sink = new Collected();

        var first = upstream.CallAsync(Call(body, UpstreamApi.ChatCompletions, stream, 7), sink, default);
        await tokens.Tenth;
        Assert.True(upstream.TryEvict(new(7)));
        tokens.Go();
        var evicted = await first;
        var prefilled = model!.Engine.Status.PrefillTokens;

        Assert.Equal(CallEnd.Evicted, evicted.End);
        Assert.True(evicted.OutputTokens > 0);
        Assert.True(upstream.Keeps(new(7)));
        Assert.Equal((0, 0), (model.Engine.Status.Running, model.Engine.Status.Outstanding));
        sink.Outcome = await upstream.CallAsync(
            Call(body, UpstreamApi.ChatCompletions, stream, 7) with { IsPaused = true }, sink, default);

        Assert.Equal(CallEnd.Completed, sink.Outcome.End);
        Assert.Equal(whole.Outcome.OutputTokens, sink.Outcome.OutputTokens);
        Assert.Equal(whole.Outcome.PromptTokens, sink.Outcome.PromptTokens);
        Assert.Equal(prefilled, model.Engine.Status.PrefillTokens);
        if (stream) Assert.All(Enumerable.Range(0, 3), i => Assert.Equal(whole.Text(i), sink.Text(i)));
        else Assert.Equal(whole.Json.GetProperty("choices").GetRawText(), sink.Json.GetProperty("choices").GetRawText());
        Assert.False(upstream.Keeps(new(7)));
    }

    [Fact]
    public async Task An_evicted_answer_that_is_forgotten_goes_on_from_its_tokens_and_frees_what_was_kept()
    {
        const string Body = """{"messages":[{"role":"user","content":"go on and on"}],"max_tokens":40,"temperature":1,"seed":9,"ignore_eos":true}""";
        await using var other = await UpAsync();
        var whole = await CallAsync(other, Body, stream: true);
        using var tokens = new Steps();
        await using var upstream = await UpAsync(file => Open(file, onForward: tokens.Take));
        var begun = new Collected();
        var first = upstream.CallAsync(Call(Body, UpstreamApi.ChatCompletions, true, 7), begun, default);
        await tokens.Tenth;
        Assert.True(upstream.TryEvict(new(7)));
        tokens.Go();
        Assert.Equal(CallEnd.Evicted, (await first).End);

        upstream.Forget(new(7));
        var paused = await upstream.CallAsync(Call(Body, UpstreamApi.ChatCompletions, true, 7) with { IsPaused = true }, begun, default);
        var rest = await CallAsync(upstream, Body, stream: true, id: 7, resume: new(begun.Text(0), begun.Tokens));

        Assert.False(upstream.Keeps(new(7)));
        Assert.Equal(CallEnd.Busy, paused.End);
        Assert.Equal(whole.Text(0), begun.Text(0) + rest.Text(0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Behind_the_gateway_background_work_gives_way_and_goes_on_as_if_it_had_not(bool stream)
    {
        const string More = ""","max_tokens":40,"temperature":1,"seed":9,"ignore_eos":true,"stream_options":{"include_usage":true}""";
        var body = TestGateway.Chat(More + (stream ? ""","stream":true""" : ""), "go on and on");
        await using var other = await UpAsync();
        var whole = await CallAsync(other, body, stream: true);
        ServingModel? model = null;
        using var tokens = new Steps();
        await using var gateway = await TestGateway.StartAsync(
            new Evicting(await UpAsync(file => model = Open(file, onForward: tokens.Take, sequencesMax: 1)), tokens.Go));

        var background = gateway.PostAsync("/v1/chat/completions", body, default, ("x-sluice-class", "background"));
        await tokens.Tenth;
        var urgent = gateway.ChatAsync(""","max_tokens":3,"ignore_eos":true""", ("x-llm-d-slo-ttft-ms", "200"));
        Assert.Equal(HttpStatusCode.OK, (await urgent).StatusCode);
        var prompts = (await (await urgent).JsonAsync()).GetProperty("usage").GetProperty("prompt_tokens").GetInt32();
        var answer = await background;
        var (text, usage) = await ReadAsync(answer, stream);

        Assert.Equal(whole.Text(0), text);
        Assert.Equal(whole.Events[^1].GetProperty("usage").GetRawText(), usage);
        Assert.Equal(whole.Outcome.PromptTokens + prompts, model!.Engine.Status.PrefillTokens);
        if (!stream) Assert.Equal("1", answer.Header("x-sluice-evictions"));

        static async Task<(string?, string)> ReadAsync(HttpResponseMessage answer, bool stream)
        {
            if (stream)
            {
                var events = await answer.EventsAsync();
                return (Answers.TextOf(events), JsonDocument.Parse(events[^2]).RootElement.GetProperty("usage").GetRawText());
            }

            var json = await answer.JsonAsync();
            return (
                json.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString(), json.GetProperty("usage").GetRawText());
        }
    }

    // The model is made to answer with a call, or with two, by a grammar.
    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 1)]
    [InlineData(true, 2)]
    [InlineData(false, 2)]
    public async Task A_tool_call_in_the_answer_is_given_as_one(bool stream, int calls)
    {
        const string One = """{"const":{"name":"weather","arguments":{"city":"Bern"}}}""";
        var schema = calls == 1 ? One : $$"""{"type":"array","items":{{One}},"minItems":2,"maxItems":2}""";
        var body = """
            {"messages":[{"role":"user","content":"how is the weather"}],"max_tokens":200,"temperature":0,
             "tools":[{"type":"function","function":{"name":"weather","parameters":{}}}],
             "response_format":{"type":"json_schema","json_schema":{"name":"s","schema":SCHEMA}}}
            """.Replace("SCHEMA", schema, StringComparison.Ordinal);
        await using var upstream = await UpAsync(file => Open(file, template: "{# <|python_tag|> #}{{ messages[0].content }}"));
        await using var other = await UpAsync();

        var answer = await CallAsync(upstream, body, stream: stream);
        var text = await CallAsync(other, body); // Its template knows no calls.

        var choices = answer.Events.Select(e => e.GetProperty("choices")[0]).ToArray();
        JsonElement[] found = stream
            ? [.. choices.Select(c => c.GetProperty("delta")).Where(d => d.TryGetProperty("tool_calls", out _))
                .Select(d => d.GetProperty("tool_calls")[0])]
            : [.. choices[0].GetProperty("message").GetProperty("tool_calls").EnumerateArray()];
        Assert.Equal("tool_calls", choices[^1].GetProperty("finish_reason").GetString());
        if (stream)
        {
            // The first piece of a call has its name, those after it have no more than arguments.
            Assert.Equal(Enumerable.Range(0, calls).SelectMany(n => new[] { n, n }), found.Select(c => c.GetProperty("index").GetInt32()));
            Assert.All(found.Index(), piece => Assert.Equal(piece.Index % 2 == 0, piece.Item.TryGetProperty("id", out _)));
            Assert.All(found.Index(), piece => Assert.Equal(
                piece.Index % 2 == 0 ? "" : """{"city":"Bern"}""", piece.Item.GetProperty("function").GetProperty("arguments").GetString()));
            found = [.. found.Where((_, i) => i % 2 == 0)];
        }
        else
        {
            Assert.All(found, one => Assert.Equal(
                """{"city":"Bern"}""", one.GetProperty("function").GetProperty("arguments").GetString()));
        }

        Assert.Equal(calls, found.Select(c => c.GetProperty("id").GetString()).Distinct().Count());
        Assert.All(found, one => Assert.Equal("weather", one.GetProperty("function").GetProperty("name").GetString()));

        if (stream) Assert.Equal("", answer.Text(0));
        else Assert.Equal(JsonValueKind.Null, choices[0].GetProperty("message").GetProperty("content").ValueKind);
        Assert.Equal(answer.Outcome.OutputTokens, answer.Tokens);
        Assert.Contains("weather", text.Json.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString(), StringComparison.Ordinal);
        Assert.Equal("stop", text.Json.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
    }

    // The fake model babbles; only the grammar makes it call. Its template knows no calls, and pattern is no supported keyword.
    [Theory]
    [InlineData("""{"type":"function","function":{"name":"weather"}}""", "weather")]
    [InlineData("""{"type":"function","function":{"name":"loose"}}""", "loose")]
    [InlineData("\"required\"", null)]
    [InlineData("\"auto\"", "")]
    [InlineData("\"none\"", "")]
    public async Task A_call_that_is_asked_for_comes_in_any_case(string choice, string? name)
    {
        await using var upstream = await UpAsync();

        var body = WithTools(choice).Replace("\"strict\":true,", "", StringComparison.Ordinal);
        var choiceOf = (await CallAsync(upstream, body)).Json.GetProperty("choices")[0];

        var message = choiceOf.GetProperty("message");
        Assert.Equal(name != "", message.TryGetProperty("tool_calls", out var calls));
        if (name == "") return;
        Assert.Equal("tool_calls", choiceOf.GetProperty("finish_reason").GetString());
        var function = Assert.Single(calls.EnumerateArray()).GetProperty("function");
        if (name is not null) Assert.Equal(name, function.GetProperty("name").GetString());
        using var arguments = JsonDocument.Parse(function.GetProperty("arguments").GetString()!);
        Assert.Equal(JsonValueKind.Object, arguments.RootElement.ValueKind);
        if (name == "weather") Assert.Contains(arguments.RootElement.GetProperty("city").GetString(), (string[])["Bern", "Rome"]);
    }

    [Theory]
    [InlineData("""{"type":"function","function":{"name":"other"}}""", "there is no function")]
    [InlineData("""{"type":"function","function":{"name":"strict"}}""", "pattern")]
    public async Task A_call_that_cannot_be_forced_is_refused(string choice, string message)
    {
        await using var upstream = await UpAsync();

        var outcome = (await CallAsync(upstream, WithTools(choice))).Outcome;

        Assert.Equal((CallEnd.Refused, 400), (outcome.End, outcome.Status));
        Assert.Contains(message, outcome.Error, StringComparison.Ordinal);
    }

    private static string WithTools(string choice) =>
        """
        {"messages":[{"role":"user","content":"how is the weather"}],"max_tokens":400,"temperature":1,"seed":3,"tools":[
          {"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{
            "city":{"enum":["Bern","Rome"]}},"required":["city"]}}},
          {"type":"function","function":{"name":"loose","parameters":{"type":"object","properties":{
            "x":{"type":"string","pattern":"a+"}}}}},
          {"type":"function","function":{"name":"strict","strict":true,"parameters":{"type":"object","properties":{
            "x":{"type":"string","pattern":"a+"}}}}}],"tool_choice":CHOICE}
        """.Replace("CHOICE", choice, StringComparison.Ordinal);

    [Theory]
    [InlineData("", "")]
    [InlineData(""","chat_template_kwargs":{"enable_thinking":false}""", "quick")]
    [InlineData(""","add_generation_prompt":false""", "closed")]
    public async Task A_caller_sets_variables_of_the_chat_template(string fields, string written)
    {
        const string Template = "{{ messages[0].content }}{{ 'quick' if enable_thinking is defined and not enable_thinking }}"
            + "{{ 'closed' if not add_generation_prompt }}{{ 'no date' if strftime_now is not defined }}";
        await using var upstream = await UpAsync(file => Open(file, template: Template));

        var answer = await CallAsync(upstream, """{"messages":[{"role":"user","content":"ab"}],"max_tokens":1""" + fields + "}");

        Assert.Equal(s_tokenizer.Encode("ab" + written).Length, answer.Outcome.PromptTokens);
    }

    [Fact]
    public async Task Nothing_is_evicted_that_is_not_there()
    {
        await using var upstream = await UpAsync();
        await CallAsync(upstream, """{"prompt":"x","max_tokens":1}""", UpstreamApi.Completions, id: 3);

        Assert.False(upstream.TryEvict(new(3)));
        Assert.False(upstream.Keeps(new(3)));
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

    internal static async Task<InProcessUpstream> UpAsync(Func<ModelFile, ServingModel>? open = null, string name = "in-process")
    {
        var upstream = new InProcessUpstream(
            new() { Name = name, Models = [new("m", "m")], Open = open ?? (file => Open(file)) }, TimeProvider.System);
        Assert.True(await upstream.LoadAsync("m", default));
        return upstream;
    }

    internal static ServingModel Open(
        ModelFile file, long bytes = 1, Action<ForwardBatch>? onForward = null, int sequencesMax = 32,
        string template = "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}", ulong key = 0)
    {
        var model = new FakeTransformer(200, blockTokens: 16, vocabulary: s_tokenizer.Vocabulary.Count) { OnForward = onForward };
        var loop = new ServingLoop(model, new RunningFirst(new()), new() { ModelKey = key }, TimeProvider.System);
        return new(new(s_tokenizer, ChatTemplate.Parse(template)), loop, sequencesMax, bytes, new MemoryStream(), file.Name);
    }

    internal static UpstreamCall Call(
        string body, UpstreamApi api, bool stream, long id, string model = "m", AnswerSoFar? resume = null) =>
        new()
        {
            Id = new(id), Api = api, Model = model, Body = Encoding.UTF8.GetBytes(body), Stream = stream, ExternalId = "x",
            Resume = resume,
        };

    internal static async Task<Collected> CallAsync(
        InProcessUpstream upstream, string body, UpstreamApi api = UpstreamApi.ChatCompletions, bool stream = false, long id = 0,
        string model = "m", AnswerSoFar? resume = null)
    {
        var sink = new Collected();
        sink.Outcome = await upstream.CallAsync(Call(body, api, stream, id, model, resume), sink, default);
        return sink;
    }

    /// <summary>Stops the engine in its tenth step until the case has done what it wants to do then.</summary>
    internal sealed class Steps : IDisposable
    {
        private readonly TaskCompletionSource _tenth = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEventSlim _go = new();
        private int _steps;

        public Task Tenth => _tenth.Task;

        public void Take(ForwardBatch batch)
        {
            if (++_steps != 10) return;
            _tenth.SetResult();
            _go.Wait();
        }

        public void Go() => _go.Set();

        public void Dispose() => _go.Dispose();
    }

    /// <summary>Says when an eviction is asked for.</summary>
    private sealed class Evicting(IUpstream upstream, Action onEvict) : IUpstream
    {
        public string Name => upstream.Name;
        public UpstreamCapabilities Capabilities => upstream.Capabilities;

        public bool TryEvict(RequestId request)
        {
            var isAsked = upstream.TryEvict(request);
            onEvict();
            return isAsked;
        }

        public bool Keeps(RequestId request) => upstream.Keeps(request);
        public void Forget(RequestId request) => upstream.Forget(request);
        public Task<bool> ProbeAsync(CancellationToken cancel) => upstream.ProbeAsync(cancel);
        public Task<UpstreamReport?> ReportAsync(CancellationToken cancel) => upstream.ReportAsync(cancel);
        public Task<bool> LoadAsync(string model, CancellationToken cancel) => upstream.LoadAsync(model, cancel);
        public ValueTask DisposeAsync() => upstream.DisposeAsync();

        public Task<CallOutcome> CallAsync(UpstreamCall call, IAnswerSink sink, CancellationToken cancel) =>
            upstream.CallAsync(call, sink, cancel);
    }

    internal sealed class Collected : IAnswerSink
    {
        public CallOutcome Outcome { get; set; }
        public List<JsonElement> Events { get; } = [];
        public int Tokens { get; private set; }
        public Action<Collected>? After { get; init; }
        public IUpstream? MovedTo { get; private set; }
        public JsonElement Json => Assert.Single(Events);

        public string Text(int index) => string.Concat(
            from e in Events
            from choice in e.GetProperty("choices").EnumerateArray()
            where choice.GetProperty("index").GetInt32() == index && choice.GetProperty("delta").TryGetProperty("content", out _)
            select choice.GetProperty("delta").GetProperty("content").GetString());

        public void OnMoved(IUpstream to) => MovedTo = to;

        public ValueTask OnDataAsync(ReadOnlyMemory<byte> json, int tokens, CancellationToken cancel)
        {
            Events.Add(JsonDocument.Parse(json.ToArray()).RootElement);
            Tokens += tokens;
            After?.Invoke(this);
            return ValueTask.CompletedTask;
        }
    }
}
