using System.Text.Json;
using Sluice.Core;
using Sluice.Upstreams;
using static Sluice.Gateway.Tests.InProcessUpstreamTests;

namespace Sluice.Gateway.Tests;

/// <summary>Answers that move from one engine of this process to another while they run.</summary>
public sealed class MovingAnswerTests
{
    private const string Body =
        """
        {"messages":[{"role":"user","content":"go on and on"}],"max_tokens":60,"temperature":1,"seed":9,"ignore_eos":true,
         "stream_options":{"include_usage":true}}
        """;

    [Fact]
    public async Task An_answer_goes_on_in_the_other_engine_as_if_nothing_had_happened()
    {
        await using var alone = await UpAsync();
        var whole = await CallAsync(alone, Body, stream: true);
        using var tokens = new Steps();
        Engine.ServingModel? second = null;
        await using var from = await UpAsync(file => Open(file, onForward: tokens.Take));
        await using var to = await UpAsync(file => second = Open(file));
        var sink = new Collected();

        var call = from.CallAsync(Call(Body, UpstreamApi.ChatCompletions, true, 7), sink, default);
        await tokens.Tenth;
        var moved = from.TryMoveAsync(new(7), to);
        tokens.Go();

        Assert.True(await moved);
        Assert.Equal(CallEnd.Completed, (await call).End);
        Assert.Same(to, sink.MovedTo);
        Assert.Equal(whole.Text(0), sink.Text(0));
        Assert.Equal(whole.Events[^1].GetProperty("usage").GetRawText(), sink.Events[^1].GetProperty("usage").GetRawText());
        Assert.Equal(whole.Outcome, await call);
        Assert.InRange(second!.Engine.Status.OutputTokens, 40, 59);
        Assert.Equal(0, second.Engine.Status.PrefillTokens);
        Assert.False(await from.TryMoveAsync(new(7), to));
    }

    [Fact]
    public async Task Where_it_cannot_go_it_stays_and_ends_as_it_would_have()
    {
        await using var alone = await UpAsync();
        var whole = await CallAsync(alone, Body, stream: true);
        using var tokens = new Steps();
        await using var from = await UpAsync(file => Open(file, onForward: tokens.Take));
        await using var other = await UpAsync(file => Open(file, key: 5)); // Other weights under the same name.
        var sink = new Collected();

        var call = from.CallAsync(Call(Body, UpstreamApi.ChatCompletions, true, 7), sink, default);
        await tokens.Tenth;
        var moved = from.TryMoveAsync(new(7), other);
        tokens.Go();

        Assert.False(await moved);
        Assert.Equal(whole.Outcome, await call);
        Assert.Null(sink.MovedTo);
        Assert.Equal(whole.Text(0), sink.Text(0));
        Assert.Equal(whole.Events[^1].GetProperty("usage").GetRawText(), sink.Events[^1].GetProperty("usage").GetRawText());
    }

    [Fact]
    public async Task Evicted_before_it_has_left_it_is_kept_where_it_was()
    {
        await using var alone = await UpAsync();
        var whole = await CallAsync(alone, Body, stream: true);
        using var tokens = new Steps();
        await using var from = await UpAsync(file => Open(file, onForward: tokens.Take));
        await using var to = await UpAsync();
        var sink = new Collected();
        var first = from.CallAsync(Call(Body, UpstreamApi.ChatCompletions, true, 7), sink, default);
        await tokens.Tenth;

        var moved = from.TryMoveAsync(new(7), to);
        Assert.True(from.TryEvict(new(7)));
        tokens.Go();

        Assert.False(await moved);
        Assert.Equal(CallEnd.Evicted, (await first).End);
        Assert.Equal((true, false), (from.Keeps(new(7)), to.Keeps(new(7))));
        sink.Outcome = await from.CallAsync(Call(Body, UpstreamApi.ChatCompletions, true, 7) with { IsPaused = true }, sink, default);
        Assert.Equal(whole.Outcome, sink.Outcome);
        Assert.Equal(whole.Text(0), sink.Text(0));
    }

    // The other engine stands still with an answer of its own, so the one that moves has left the first engine and is nowhere yet.
    [Fact]
    public async Task Evicted_on_its_way_it_is_kept_where_it_came_to_and_goes_on_there()
    {
        await using var alone = await UpAsync();
        var whole = await CallAsync(alone, Body, stream: true);
        using var tokens = new Steps();
        await using var from = await UpAsync(file => Open(file, onForward: tokens.Take));
        using var there = new Steps();
        await using var to = await UpAsync(file => Open(file, onForward: there.Take));
        var sink = new Collected();
        var other = CallAsync(to, Body, stream: true, id: 8);
        await there.Tenth;
        var first = from.CallAsync(Call(Body, UpstreamApi.ChatCompletions, true, 7), sink, default);
        await tokens.Tenth;

        var moved = from.TryMoveAsync(new(7), to);
        tokens.Go();
        await CallAsync(from, """{"prompt":"x","max_tokens":4}""", UpstreamApi.Completions, id: 9); // Steps enough for it to leave.
        Assert.True(from.TryEvict(new(7)));
        there.Go();

        Assert.True(await moved);
        Assert.Equal(whole.Text(0), (await other).Text(0));
        Assert.Equal(CallEnd.Evicted, (await first).End);
        Assert.Equal((false, true), (from.Keeps(new(7)), to.Keeps(new(7))));
        sink.Outcome = await to.CallAsync(Call(Body, UpstreamApi.ChatCompletions, true, 7) with { IsPaused = true }, sink, default);
        Assert.Equal(whole.Outcome, sink.Outcome);
        Assert.Equal(whole.Text(0), sink.Text(0));
    }

    [Fact]
    public async Task Nothing_is_left_of_one_whose_caller_left_on_its_way()
    {
        using var tokens = new Steps();
        using var left = new CancellationTokenSource();
        Engine.ServingModel? first = null, second = null;
        await using var from = await UpAsync(file => first = Open(file, onForward: tokens.Take));
        await using var to = await UpAsync(file => second = Open(file));
        var call = from.CallAsync(Call(Body, UpstreamApi.ChatCompletions, true, 7), new Collected(), left.Token);
        await tokens.Tenth;

        var moved = from.TryMoveAsync(new(7), to);
        await left.CancelAsync();
        Assert.Equal(CallEnd.Cancelled, (await call).End);
        tokens.Go();
        await moved;

        const string Short = """{"prompt":"x","max_tokens":2}"""; // Two steps later everything was told to the engine.
        await CallAsync(from, Short, UpstreamApi.Completions);
        await CallAsync(to, Short, UpstreamApi.Completions);
        Assert.Equal((0, 0), (first!.Engine.Status.Outstanding, second!.Engine.Status.Outstanding));
        Assert.True(await to.LoadAsync("m", default));
    }

    // The second engine joins once the first one, which stands still, has both answers. That goes on once a move is asked for, and
    // the second one goes beyond its tenth step once everybody knows of the move.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Behind_the_gateway_an_answer_moves_to_an_engine_that_has_less_to_do(bool stream)
    {
        await using var alone = await UpAsync();
        var whole = await CallAsync(alone, Body, stream: true);
        using var tokens = new Steps();
        using var there = new Steps();
        Engine.ServingModel? second = null;
        var mayJoin = false;
        var to = new InProcessUpstream(
            new()
            {
                Name = "second", Models = [new("m", "m")],
                Open = file => Volatile.Read(ref mayJoin) ? second = Open(file, onForward: there.Take) : throw new InputException("not yet"),
            },
            TimeProvider.System);
        var from = new Asked(await UpAsync(file => Open(file, onForward: tokens.Take), "first"), tokens.Go);
        var moves = new Seen(() => Volatile.Write(ref mayJoin, true), there.Go);
        await using var gateway = await TestGateway.StartAsync(
            new GatewayOptions { Settings = new Dictionary<string, string> { ["moves"] = "0.02" } }, null, from, to);
        gateway.Loop.Events.Add(moves);
        var body = Body.Replace("{\"messages\"", "{\"model\":\"m\",\"stream\":" + (stream ? "true" : "false") + ",\"messages\"", StringComparison.Ordinal);

        var answer = gateway.PostAsync("/v1/chat/completions", body);
        await tokens.Tenth;
        var other = gateway.PostAsync("/v1/chat/completions", body);
        foreach (var response in new[] { await answer, await other })
        {
            string text, usage;
            if (stream)
            {
                var events = await response.EventsAsync();
                (text, usage) = (Answers.TextOf(events), JsonDocument.Parse(events[^2]).RootElement.GetProperty("usage").GetRawText());
            }
            else
            {
                var json = await response.JsonAsync();
                text = json.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;
                usage = json.GetProperty("usage").GetRawText();
            }

            Assert.Equal(whole.Text(0), text);
            if (response == await answer) Assert.Equal(whole.Events[^1].GetProperty("usage").GetRawText(), usage);
        }

        Assert.Equal(1, moves.Moves);
        Assert.InRange(second!.Engine.Status.OutputTokens, 1, 120);
        var snapshot = await gateway.Loop.SnapshotAsync();
        Assert.All(snapshot.Engines, engine => Assert.Equal(0, engine.Outstanding));
    }

    /// <summary>Lets the engine go on once a move is asked for.</summary>
    private sealed class Asked(InProcessUpstream upstream, Action onMove) : IUpstream
    {
        public string Name => upstream.Name;
        public UpstreamCapabilities Capabilities => upstream.Capabilities;

        public Task<bool> TryMoveAsync(RequestId request, IUpstream to)
        {
            var moved = upstream.TryMoveAsync(request, to);
            onMove();
            return moved;
        }

        public bool TryEvict(RequestId request) => upstream.TryEvict(request);
        public bool Keeps(RequestId request) => upstream.Keeps(request);
        public void Forget(RequestId request) => upstream.Forget(request);
        public Task<bool> ProbeAsync(CancellationToken cancel) => upstream.ProbeAsync(cancel);
        public Task<UpstreamReport?> ReportAsync(CancellationToken cancel) => upstream.ReportAsync(cancel);
        public Task<bool> LoadAsync(string model, CancellationToken cancel) => upstream.LoadAsync(model, cancel);
        public ValueTask DisposeAsync() => upstream.DisposeAsync();

        public Task<CallOutcome> CallAsync(UpstreamCall call, IAnswerSink sink, CancellationToken cancel) =>
            upstream.CallAsync(call, sink, cancel);
    }

    private sealed class Seen(Action onBoth, Action onMove) : IEventSink
    {
        private int _sent;
        private int _moves;

        public int Moves => Volatile.Read(ref _moves);

        public void Emit(in SluiceEvent e)
        {
            if (e.Kind == EventKind.Dispatched && Interlocked.Increment(ref _sent) == 2) onBoth();
            if (e.Kind != EventKind.Migrated) return;
            Interlocked.Increment(ref _moves);
            onMove();
        }
    }
}
