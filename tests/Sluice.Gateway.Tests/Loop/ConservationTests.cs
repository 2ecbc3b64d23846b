using System.Collections.Concurrent;
using Sluice.Core;
using Sluice.Upstreams;

namespace Sluice.Gateway.Tests;

/// <summary>Whatever engines and callers do, every request ends exactly once, and what is complete is complete.</summary>
public sealed class ConservationTests
{
    [Theory]
    [InlineData("qlm")]
    [InlineData("vllm-v1")]
    public async Task Under_every_fault_each_request_ends_once(string system)
    {
        const int Requests = 400;
        var chance = new Dice(7);
        FakeUpstream[] engines = [new("a") { SequencesMax = 3 }, new("b") { SequencesMax = 2 }, new("c") { SequencesMax = 1 }];
        foreach (var engine in engines) engine.Script = (call, sink, cancel) => MisbehaveAsync(chance, call, sink, cancel);
        await using var gateway = await TestGateway.StartAsync(new GatewayOptions { System = system, AttemptsMax = 5 }, null, engines);
        var ends = new CountEnds();
        gateway.Loop.Events.Add(ends);

        using var over = new CancellationTokenSource();
        var trouble = Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                var engine = engines[chance.Next(engines.Length)];
                engine.IsUp = false;
                await gateway.Loop.LeaveAsync(engine);
                engine.IsUp = true;
                await gateway.Loop.JoinAsync(engine, null);
                for (var i = 0; i < 50; i++) await Task.Yield();
            }
        });
        var outcomes = new ConcurrentBag<(LiveEnd End, string Text)>();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, Requests), new ParallelOptions { MaxDegreeOfParallelism = 40 }, async (i, _) =>
            {
                var classes = SloClasses.Default;
                var id = classes.IdOf(i % 3 == 0 ? SloClasses.Interactive : SloClasses.Background);
                var live = gateway.Loop.Create(new()
                {
                    Api = UpstreamApi.ChatCompletions, Model = "m", Body = "{}"u8.ToArray(), Stream = i % 4 != 1, ExternalId = $"r{i}", Class = id,
                    Slo = classes[id].Slo, PromptTokens = 10, OutputTokensMax = 8, IsText = true,
                });
                using var leave = new CancellationTokenSource();
                var answer = new TextSink(i % 10 == 9 ? leave : null);
                var outcome = await live.RunAsync(answer, leave.Token);
                outcomes.Add((outcome.End, answer.Text));
            });
        await over.CancelAsync();
        await trouble;

        Assert.Equal(Requests, outcomes.Count);
        Assert.Equal(0, gateway.Loop.Live);
        Assert.All(ends.Ends, e => Assert.Equal(1, e.Value));
        Assert.All(outcomes.Where(o => o.End == LiveEnd.Completed), o => Assert.Equal("abcd", o.Text));
        Assert.True(outcomes.Count(o => o.End == LiveEnd.Completed) > Requests / 4);
        var snapshot = await gateway.Loop.SnapshotAsync();
        Assert.All(snapshot.Engines, e => Assert.Equal(0, e.Outstanding));
    }

    /// <summary>Says "abcd", a letter at a time, going on after what the caller has; breaks off, is busy or dawdles now and
    /// then.</summary>
    private static async Task<CallOutcome> MisbehaveAsync(Dice chance, UpstreamCall call, IAnswerSink sink, CancellationToken cancel)
    {
        if (chance.Next(12) == 0) return new(CallEnd.Busy, 503, -1, 0, "busy", TimeSpan.FromMilliseconds(1));
        if (chance.Next(12) == 0) return new(CallEnd.Broken, 0, -1, 0, "refused");
        if (chance.Next(12) == 0) return new(CallEnd.Failed, 500, -1, 0, "out of memory");
        if (!call.Stream) return await FakeUpstream.WordsAsync(call, sink, cancel, "abcd");
        await FakeUpstream.RoleAsync(call, sink);
        for (var i = call.Resume?.Text.Length ?? 0; i < 4; i++)
        {
            for (var wait = chance.Next(30); wait > 0; wait--) await Task.Yield();
            cancel.ThrowIfCancellationRequested();
            if (chance.Next(20) == 0) return new(CallEnd.Broken, 200, -1, 0, "reset");
            await FakeUpstream.WordAsync(call, sink, "abcd"[i].ToString());
        }

        await FakeUpstream.FinishAsync(call, sink, 10, 4);
        return new(CallEnd.Completed, 200, 10, 4 - (call.Resume?.OutputTokens ?? 0), "");
    }

    /// <summary>Randomness that many may draw from; which of them gets which number is left to chance.</summary>
    private sealed class Dice(ulong seed)
    {
        private readonly Lock _gate = new();
        private Rng _rng = new(seed);

        public int Next(int exclusiveMax)
        {
            lock (_gate) return _rng.Next(exclusiveMax);
        }
    }

    private sealed class TextSink(CancellationTokenSource? leaves) : IAnswerSink
    {
        public string Text { get; private set; } = "";

        public async ValueTask OnDataAsync(ReadOnlyMemory<byte> json, int tokens, CancellationToken cancel)
        {
            using var document = System.Text.Json.JsonDocument.Parse(json);
            foreach (var choice in document.RootElement.GetProperty("choices").EnumerateArray())
            {
                var said = choice.TryGetProperty("delta", out var delta) ? delta : choice.GetProperty("message");
                if (said.TryGetProperty("content", out var text)) Text += text.GetString();
            }

            if (leaves is not null) await leaves.CancelAsync();
        }
    }
}
