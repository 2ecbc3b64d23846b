using System.Text;
using Sluice.Core;
using Sluice.Engine;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>One call on its way through the engine: hands it in, and gives what comes out to the caller.</summary>
internal sealed class InProcessAnswer(
    UpstreamCall call, InProcessCall asked, ModelLease lease, TokenMemory memory, TimeProvider time)
{
    private readonly InProcessJson _json = new(call, lease.Model.Tokenizer, time.GetUtcNow().ToUnixTimeSeconds());
    private readonly List<int>[] _tokens = [.. Enumerable.Range(0, asked.Answers).Select(_ => new List<int>())];
    private readonly StringBuilder[] _texts = [.. Enumerable.Range(0, asked.Answers).Select(_ => new StringBuilder())];
    private readonly List<ShownToken>[] _shown = [.. Enumerable.Range(0, asked.Answers).Select(_ => new List<ShownToken>())];
    private readonly AnswerEnd[] _ends = new AnswerEnd[asked.Answers];
    private readonly List<Generation> _generations = [];
    private int[] _soFar = [];
    private int _untold;

    private int OutputTokens => _tokens.Sum(t => t.Count);

    public async Task<CallOutcome> RunAsync(IAnswerSink sink, CancellationToken cancel)
    {
        if (call.Resume is { } resume)
        {
            if (asked.Answers != 1) return InProcessUpstream.Refused(400, "n: several answers cannot go on after an interruption.");
            _soFar = SoFar(resume);
        }

        var max = asked.OutputTokensMax ?? int.MaxValue;
        if (max <= _soFar.Length) return await EndAtOnceAsync(sink, cancel).ConfigureAwait(false);

        var stream = new GenerationStream(asked.Answers, Math.Min(max, lease.Engine.TokensMax));
        try
        {
            for (var i = 0; i < asked.Prompts.Count; i++)
                if (await SubmitAsync(i, max, stream).ConfigureAwait(false) is { } refused) return refused;
            await foreach (var part in stream.Parts.ReadAllAsync(cancel).ConfigureAwait(false))
            {
                cancel.ThrowIfCancellationRequested(); // What is there already is read without looking.
                await TakeAsync(part, sink, cancel).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            if (asked.Answers == 1) memory.Keep(call.Id, [.. _soFar, .. _tokens[0]]);
            return new(CallEnd.Cancelled, 0, PromptTokens, OutputTokens, "");
        }
        finally
        {
            foreach (var generation in _generations) lease.Engine.Cancel(generation); // Means nothing to what has ended.
        }

        var broken = Array.Find(_ends, e => e.Reason is EndReason.Failed or EndReason.Cancelled);
        if (broken.Reason is EndReason.Failed or EndReason.Cancelled)
            return new(
                CallEnd.Broken, 0, PromptTokens, OutputTokens, broken.Error.Length > 0 ? broken.Error : "The engine was stopped.");
        await FinishAsync(sink, cancel).ConfigureAwait(false);
        return new(CallEnd.Completed, 200, PromptTokens, OutputTokens, "");
    }

    private int PromptTokens => asked.Prompts.Sum(p => p.Length) + _soFar.Length;

    private async Task<CallOutcome?> SubmitAsync(int prompt, int max, GenerationStream stream)
    {
        var request = new GenerationRequest
        {
            Prompt = asked.Prompts[prompt],
            OutputSoFar = _soFar,
            MaxOutputTokens = max,
            Samples = asked.Samples,
            Chooser = sample => lease.Model.Chooser(asked.Sampling, prompt * asked.Samples + sample),
            Sink = stream.From(prompt * asked.Samples),
            Priority = call.Priority,
        };
        var (refusal, generation) = await lease.Engine.SubmitAsync(request).ConfigureAwait(false);
        if (generation is not null) _generations.Add(generation);
        return refusal switch
        {
            Refusal.None => null,
            Refusal.Busy => InProcessUpstream.Busy("The engine has as many answers as it may."),
            Refusal.TooLong => InProcessUpstream.Refused(
                400, $"The prompt has {asked.Prompts[prompt].Length + _soFar.Length} tokens; prompt and answer can have "
                + $"{lease.Engine.TokensMax} together.", code: "context_length_exceeded"),
            Refusal.Malformed => InProcessUpstream.Refused(400, "The prompt is empty."),
            _ => new(CallEnd.Broken, 0, -1, 0, lease.Engine.Fault ?? "The engine was stopped."),
        };
    }

    private async ValueTask TakeAsync(AnswerPart part, IAnswerSink sink, CancellationToken cancel)
    {
        var i = part.Sample;
        if (part.End is { } end)
        {
            _ends[i] = end;
            if (call.Stream && end.Reason is EndReason.Stop or EndReason.Length)
                await SendAsync(sink, _json.Last(i, Reason(end)), cancel).ConfigureAwait(false);
            return;
        }

        var text = part.Token.Text ?? "";
        _tokens[i].Add(part.Token.Token);
        _untold++;
        var shows = asked.Sampling.Logprobs;
        if (!call.Stream)
        {
            _texts[i].Append(text);
            if (shows) _shown[i].Add(new(text, part.Token));
        }
        else if (text.Length > 0 || shows)
        {
            var json = _json.Piece(i, text, shows ? [new(text, part.Token)] : null);
            await SendAsync(sink, json, cancel).ConfigureAwait(false);
        }
    }

    private async ValueTask SendAsync(IAnswerSink sink, ReadOnlyMemory<byte> json, CancellationToken cancel)
    {
        var tokens = _untold;
        _untold = 0;
        await sink.OnDataAsync(json, tokens, cancel).ConfigureAwait(false);
    }

    private async ValueTask FinishAsync(IAnswerSink sink, CancellationToken cancel)
    {
        var cached = Math.Min(PromptTokens, _ends.Where((_, i) => i % asked.Samples == 0).Sum(e => e.CachedTokens));
        if (!call.Stream)
        {
            var answers = _ends.Select((end, i) => (
                _texts[i].ToString(), Reason(end), !asked.Sampling.Logprobs ? null : (IReadOnlyList<ShownToken>)_shown[i])).ToList();
            await SendAsync(sink, _json.Whole(answers, PromptTokens, cached, OutputTokens), cancel).ConfigureAwait(false);
        }
        else if (asked.WantsUsage)
        {
            await SendAsync(sink, _json.UsageEvent(PromptTokens, cached, OutputTokens), cancel).ConfigureAwait(false);
        }
    }

    /// <summary>The caller has all that it asked for already.</summary>
    private async Task<CallOutcome> EndAtOnceAsync(IAnswerSink sink, CancellationToken cancel)
    {
        _ends[0] = new() { Reason = EndReason.Length };
        if (call.Stream) await SendAsync(sink, _json.Last(0, "length"), cancel).ConfigureAwait(false);
        await FinishAsync(sink, cancel).ConfigureAwait(false);
        return new(CallEnd.Completed, 200, PromptTokens, 0, "");
    }

    /// <summary>Tokens of what the caller has: those it was made of, if this engine made it, else its text cut anew.</summary>
    private int[] SoFar(AnswerSoFar resume)
    {
        var made = memory.Take(call.Id);
        var decoder = new TextDecoder(lease.Model.Tokenizer);
        var (text, found) = ("", -1);
        for (var i = 0; i < made.Length && text.Length <= resume.Text.Length; i++)
        {
            text += decoder.Push(made[i]).ToString();
            if (text != resume.Text) continue;
            found = i + 1;
            if (found >= resume.OutputTokens) break; // Tokens after it have no text yet; they are made again.
        }

        if (found >= 0) return made[..found];
        return lease.Model.Tokenizer.Encode(resume.Text, addSpecial: false, parseSpecial: false);
    }

    private static string Reason(in AnswerEnd end) => end.Reason == EndReason.Length ? "length" : "stop";
}
