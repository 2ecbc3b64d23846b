namespace Sluice.Upstreams.Tests;

/// <summary>What the gateway may rely on, whatever the engine. Every driver inherits it.</summary>
public abstract class UpstreamContract : IAsyncLifetime
{
    internal abstract IUpstream Upstream { get; }

    /// <summary>The model that is loaded.</summary>
    protected abstract string Model { get; }

    protected abstract UpstreamKind Kind { get; }

    /// <summary>Waits for a call, and lets pass the time that it takes.</summary>
    protected virtual Task<T> Wait<T>(Task<T> task) => task;

    public async Task InitializeAsync() => Assert.True(await Wait(Upstream.ProbeAsync(default)));

    public virtual async Task DisposeAsync() => await Upstream.DisposeAsync();

    private static object FiveTokens => new { max_tokens = 5, ignore_eos = true };

    [Fact]
    public void A_probe_finds_out_what_it_is_and_which_model_it_has()
    {
        Assert.Equal(Kind, Upstream.Capabilities.Kind);
        Assert.Contains(Upstream.Capabilities.Models, m => m.Name == Model && m.IsLoaded);
    }

    [Fact]
    public async Task A_chat_is_streamed_token_by_token()
    {
        var answers = new Answers();

        var outcome = await Wait(Upstream.CallAsync(Calls.Chat(Model, FiveTokens), answers, default));

        Assert.Equal((CallEnd.Completed, 200, 5), (outcome.End, outcome.Status, outcome.OutputTokens));
        Assert.True(outcome.PromptTokens > 0);
        Assert.Equal(5, answers.Tokens.Sum());
        Assert.Equal(5, answers.Tokens.Count(t => t == 1));
        Assert.NotNull(answers.FinishReason);
    }

    [Fact]
    public async Task A_completion_is_streamed_token_by_token()
    {
        var answers = new Answers();

        var outcome = await Wait(Upstream.CallAsync(Calls.Completion(Model, FiveTokens), answers, default));

        Assert.Equal((CallEnd.Completed, 5), (outcome.End, outcome.OutputTokens));
        Assert.Equal(5, answers.Tokens.Sum());
        Assert.NotEmpty(answers.Text);
    }

    [Fact]
    public async Task The_usage_event_comes_only_to_those_who_ask()
    {
        var (without, with) = (new Answers(), new Answers());

        await Wait(Upstream.CallAsync(Calls.Chat(Model, FiveTokens), without, default));
        await Wait(Upstream.CallAsync(Calls.Chat(Model, new { max_tokens = 5, stream_options = new { include_usage = true } }), with, default));

        Assert.DoesNotContain(without.Events, e => e["choices"]!.AsArray().Count == 0);
        Assert.Equal(5, (int)with.Events[^1]["usage"]!["completion_tokens"]!);
    }

    [Fact]
    public async Task An_answer_that_is_not_streamed_comes_in_one_piece()
    {
        var answers = new Answers();

        var outcome = await Wait(Upstream.CallAsync(Calls.Chat(Model, FiveTokens, stream: false), answers, default));

        Assert.Equal((CallEnd.Completed, 5), (outcome.End, outcome.OutputTokens));
        Assert.NotNull(Assert.Single(answers.Events)["choices"]![0]!["message"]);
    }

    [Fact]
    public async Task Embeddings_come_as_they_are()
    {
        var answers = new Answers();

        var outcome = await Wait(Upstream.CallAsync(Calls.Embedding(Model, "text"), answers, default));

        Assert.Equal((CallEnd.Completed, 0), (outcome.End, outcome.OutputTokens));
        Assert.NotNull(Assert.Single(answers.Events)["data"]![0]!["embedding"]);
    }

    [Fact]
    public async Task A_wrong_request_is_refused_with_the_engines_own_words()
    {
        var outcome = await Wait(Upstream.CallAsync(Calls.Chat(Model, new { max_tokens = -1 }), new Answers(), default));

        Assert.Equal((CallEnd.Refused, 400), (outcome.End, outcome.Status));
        Assert.Contains("max_tokens must be", outcome.Error);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{} {}")]
    [InlineData("")]
    [InlineData("null")]
    public async Task A_body_that_is_no_JSON_object_is_refused(string body)
    {
        var outcome = await Wait(Upstream.CallAsync(Calls.Raw(Model, body), new Answers(), default));

        Assert.Equal((CallEnd.Refused, 400), (outcome.End, outcome.Status));
    }

    [Fact]
    public async Task A_call_cancelled_before_it_begins_does_not_begin()
    {
        var answers = new Answers();

        var outcome = await Wait(Upstream.CallAsync(Calls.Chat(Model), answers, new CancellationToken(canceled: true)));

        Assert.Equal(CallEnd.Cancelled, outcome.End);
        Assert.Empty(answers.Events);
    }

    [Fact]
    public async Task A_chat_that_was_interrupted_goes_on_without_a_seam_and_within_its_bound()
    {
        var (whole, rest) = (new Answers(), new Answers());
        await Wait(Upstream.CallAsync(Calls.Chat(Model, FiveTokens), whole, default));
        var had = string.Concat(whole.Events.Select(e => (string?)e["choices"]![0]!["delta"]!["content"]).Where(t => t?.Length > 0).Take(2));

        var outcome = await Wait(Upstream.CallAsync(Calls.Chat(Model, FiveTokens, resume: new(had, 2)), rest, default));

        if (Upstream.Capabilities.Chat == Continuation.None)
        {
            Assert.Equal(CallEnd.Refused, outcome.End);
            return;
        }

        Assert.Equal((CallEnd.Completed, 3), (outcome.End, outcome.OutputTokens));
        Assert.Equal(whole.Text, had + rest.Text);
    }

    [Fact]
    public async Task An_answer_that_lost_nothing_but_its_end_gets_its_end()
    {
        if (Upstream.Capabilities.Chat == Continuation.None) return;
        var (whole, rest) = (new Answers(), new Answers());
        await Wait(Upstream.CallAsync(Calls.Chat(Model, FiveTokens), whole, default));

        var outcome = await Wait(Upstream.CallAsync(Calls.Chat(Model, FiveTokens, resume: new(whole.Text, 5)), rest, default));

        Assert.Equal((CallEnd.Completed, 0), (outcome.End, outcome.OutputTokens));
        Assert.Equal("length", rest.FinishReason);
        Assert.Empty(rest.Text);
    }

    [Fact]
    public async Task A_completion_that_was_interrupted_goes_on_without_a_seam()
    {
        var (whole, rest) = (new Answers(), new Answers());
        await Wait(Upstream.CallAsync(Calls.Completion(Model, FiveTokens), whole, default));
        var had = string.Concat(whole.Events.Select(e => (string?)e["choices"]![0]!["text"]).Where(t => t?.Length > 0).Take(2));

        var outcome = await Wait(Upstream.CallAsync(Calls.Completion(Model, FiveTokens, resume: new(had, 2)), rest, default));

        if (Upstream.Capabilities.Completions == Continuation.None) Assert.Equal(CallEnd.Refused, outcome.End);
        else Assert.Equal(whole.Text, had + rest.Text);
    }

    [Fact]
    public async Task A_report_comes_from_engines_that_say_they_have_one()
    {
        var report = await Wait(Upstream.ReportAsync(default));

        Assert.Equal(Upstream.Capabilities.HasMetrics, report is not null);
    }
}
