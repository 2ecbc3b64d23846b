using System.Text;
using System.Text.Json;
using Sluice.Core;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>An engine says that it failed: is it the engine, or was it the call? All of it runs on the writer.</summary>
/// <remarks>Another engine may tell, so a call gets further attempts. An engine that fails several in a row is asked for one
/// token of its own: only if it fails that as well is it doubted. So nobody can close an engine to others with calls that
/// engines choke on, and an engine that fails everything does not swallow calls for long.</remarks>
public sealed partial class DispatcherLoop
{
    private const int FailedInRowMax = 3;

    private static readonly TimeSpan s_patienceWithAnswer = TimeSpan.FromSeconds(10);

    private void OnFailed(LiveRequest live, LiveEngine engine)
    {
        live.Losses++;
        if (++engine.FailedInRow >= FailedInRowMax) Question(engine, live.Call.Api, live.Call.Model);
        TryAgain(live);
    }

    private void Question(LiveEngine engine, UpstreamApi api, string model)
    {
        if (engine.IsQuestioned) return;
        engine.IsQuestioned = true;
        var (upstream, name) = (engine.Upstream, engine.NameOf(model));
        _ = Task.Run(async () =>
        {
            var end = await AskForOneTokenAsync(upstream, api, name).ConfigureAwait(false);
            Post(new(What.Ask, Data: () =>
            {
                if (!ReferenceEquals(engine.Bound, upstream) || !engine.IsQuestioned) return;
                (engine.IsQuestioned, engine.FailedInRow) = (false, 0);
                if (end is CallEnd.Failed or CallEnd.Broken) Doubt(engine);
            }));
        });
    }

    private async Task<CallEnd> AskForOneTokenAsync(IUpstream upstream, UpstreamApi api, string model)
    {
        var asked = api switch
        {
            UpstreamApi.ChatCompletions => """ "messages":[{"role":"user","content":"."}],"max_tokens":1 """,
            UpstreamApi.Completions => """ "prompt":".","max_tokens":1 """,
            _ => """ "input":"." """,
        };
        using var patience = new CancellationTokenSource(s_patienceWithAnswer, Time);
        try
        {
            var outcome = await upstream.CallAsync(
                new()
                {
                    Id = new(-1), Api = api, Model = model, Stream = false, ExternalId = "sluice-question",
                    Body = Encoding.UTF8.GetBytes($"{{\"model\":{JsonSerializer.Serialize(model)},{asked}}}"),
                },
                NoAnswer.Instance, patience.Token).ConfigureAwait(false);
            return outcome.End;
        }
        catch (Exception)
        {
            // Whatever went wrong, it did not answer. But slow is not broken: missing tokens are noticed elsewhere.
            return patience.IsCancellationRequested ? CallEnd.Cancelled : CallEnd.Broken;
        }
    }

    private sealed class NoAnswer : IAnswerSink
    {
        public static NoAnswer Instance { get; } = new();

        public ValueTask OnDataAsync(ReadOnlyMemory<byte> json, int tokens, CancellationToken cancel) => default;
    }
}
