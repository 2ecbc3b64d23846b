using System.Text;
using Sluice.Core;
using Sluice.Engine;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>One call on its way through the engine: hands it in, and gives what comes out to the caller.</summary>
/// <remarks>Its engine may change under it; what belongs to the engine it is on now is written under the gate.</remarks>
internal sealed class InProcessAnswer(
    UpstreamCall call, InProcessCall asked, InProcessUpstream home, ModelLease lease, TimeProvider time)
{
    private readonly TextModel _model = lease.Model;
    private readonly InProcessJson _json = new(call, lease.Model.Tokenizer, time.GetUtcNow().ToUnixTimeSeconds());
    private readonly List<int>[] _tokens = [.. Enumerable.Range(0, asked.Answers).Select(_ => new List<int>())];
    private readonly StringBuilder[] _texts = [.. Enumerable.Range(0, asked.Answers).Select(_ => new StringBuilder())];
    private readonly List<ShownToken>[] _shown = [.. Enumerable.Range(0, asked.Answers).Select(_ => new List<ShownToken>())];
    private readonly ToolCallReader?[] _readers =
        [.. Enumerable.Range(0, asked.Answers).Select(_ => asked.Tools is null ? null : new ToolCallReader(asked.Tools))];
    private readonly List<FunctionCall>[] _calls = [.. Enumerable.Range(0, asked.Answers).Select(_ => new List<FunctionCall>())];
    private readonly AnswerEnd[] _ends = new AnswerEnd[asked.Answers];
    private readonly List<Generation> _generations = [];
    private readonly Lock _gate = new();
    private InProcessUpstream _home = home;
    private ModelLease _lease = lease;
    private IAnswerSink? _sink;
    private GenerationStream? _stream;
    private int[] _soFar = [];
    private int _untold;
    private int _evictions;
    private bool _isRunning; // The engine has all of it.
    private bool _isWantedOff;
    private bool _isMoving;
    private bool _isOver;

    private int OutputTokens => _tokens.Sum(t => t.Count);

    /// <summary>The driver of the engine that it runs on.</summary>
    public InProcessUpstream Home => _home;

    /// <summary>The engine that it runs on.</summary>
    public EmbeddedEngine Engine => _lease.Engine;

    /// <summary>From the first prompt token, or from what the caller has.</summary>
    public async Task<CallOutcome> RunAsync(IAnswerSink sink, CancellationToken cancel)
    {
        if (call.Resume is { } resume)
        {
            if (asked.Answers != 1) return InProcessUpstream.Refused(400, "n: several answers cannot go on after an interruption.");
            _soFar = SoFar(resume);
        }

        var max = asked.OutputTokensMax ?? int.MaxValue;
        if (max <= _soFar.Length) return await EndAtOnceAsync(sink, cancel).ConfigureAwait(false);

        _sink = sink;
        _stream = new GenerationStream(asked.Answers, Math.Min(max, Engine.TokensMax));
        var isTaken = false;
        try
        {
            for (var i = 0; i < asked.Prompts.Count; i++)
                if (await SubmitAsync(i, max, _stream).ConfigureAwait(false) is { } refused) return refused;
            isTaken = true;
        }
        finally
        {
            if (!isTaken) CancelAll();
        }

        BeginRun();
        return await FollowAsync(_stream, sink, cancel).ConfigureAwait(false);
    }

    /// <summary>From where it was paused.</summary>
    public async Task<CallOutcome> GoOnAsync(ModelLease lease, IAnswerSink sink, CancellationToken cancel)
    {
        Check.That(_stream is { IsPaused: true });
        (_lease, _sink) = (lease, sink);
        _stream.GoOn();
        foreach (var generation in _generations)
            if (!await Engine.ResumeAsync(generation).ConfigureAwait(false)) return Broken("");
        BeginRun();
        return await FollowAsync(_stream, sink, cancel).ConfigureAwait(false);
    }

    /// <summary>Has the engine take it off, with its KV; <see cref="FollowAsync"/> then returns. May be called at any
    /// time.</summary>
    /// <returns>False once it is over, or after too many times.</returns>
    public bool TryEvict()
    {
        lock (_gate)
        {
            if (_isOver || _evictions == GenerationStream.EvictionsMax) return false;
            _evictions++;
            if (_isRunning) EvictAll();

            // As soon as the engine has all of it; or where it arrives, if it has just left.
            if (!_isRunning || _isMoving) _isWantedOff = true;
            return true;
        }
    }

    /// <summary>Moves it, with its KV, to another engine of this process while it runs.</summary>
    /// <returns>False if it stays, or ended.</returns>
    public async Task<bool> TryMoveAsync(InProcessUpstream to)
    {
        lock (_gate)
        {
            if (!_isRunning || _isMoving || _isOver || _isWantedOff || asked.Answers != 1) return false;
            _isMoving = true;
        }

        var (lease, hasMoved) = (to.TryUse(call.Model), false);
        try
        {
            hasMoved = lease is not null && await MoveAsync(to, lease).ConfigureAwait(false);
            return hasMoved;
        }
        finally
        {
            if (!hasMoved) lease?.Dispose();
            lock (_gate) _isMoving = _isWantedOff = false;
        }
    }

    private async Task<bool> MoveAsync(InProcessUpstream to, ModelLease lease)
    {
        if (await Engine.MoveOutAsync(_generations[0]).ConfigureAwait(false) is not { } image) return false;
        var (_, generation) = await lease.Engine.MoveInAsync(image, generation => Arrive(to, lease, generation)).ConfigureAwait(false);
        if (generation is not null) return true;

        // It has no room, or is another model after all. Where it came from it can always go on, unless that is gone too.
        (_, generation) = await Engine.MoveInAsync(image, Adopt).ConfigureAwait(false);
        if (generation is null)
            ((IGenerationSink)_stream!).OnEnd(0, new() { Reason = EndReason.Failed, Error = "It could not go on after a move." });
        return false;
    }

    private void Arrive(InProcessUpstream to, ModelLease lease, Generation generation)
    {
        lock (_gate)
        {
            var left = _lease;
            _home.Leave(call.Id, this);
            (_home, _lease) = (to, lease);
            left.Dispose();
            if (_isOver) lease.Dispose();
            else to.Enter(call.Id, this);
            _sink!.OnMoved(to);
            Adopt(generation);
        }
    }

    /// <summary>It is this from now on. What was asked for while it was in no engine, this one has not heard of yet.</summary>
    private void Adopt(Generation generation)
    {
        lock (_gate)
        {
            _generations[0] = generation;
            if (_isOver) Engine.Cancel(generation);
            else if (_isWantedOff) EvictAll();
        }
    }

    /// <summary>It needs its model no longer, for now.</summary>
    public void Release()
    {
        lock (_gate) _lease.Dispose();
    }

    /// <summary>What is paused goes no further here; should it come again, it goes on from its tokens.</summary>
    public void Abandon()
    {
        CancelAll();
        if (asked.Answers == 1) _home.Memory.Keep(call.Id, [.. _soFar, .. _tokens[0]]);
    }

    private void BeginRun()
    {
        lock (_gate)
        {
            _isRunning = true;
            if (_isWantedOff) EvictAll();
            _isWantedOff = false;
        }
    }

    /// <summary>Hands on what comes until the last answer ends or the engine has taken off what is left. What a slow caller
    /// has not read by then is read when it goes on.</summary>
    private async Task<CallOutcome> FollowAsync(GenerationStream stream, IAnswerSink sink, CancellationToken cancel)
    {
        var isPaused = false;
        try
        {
            while (!isPaused && await stream.Parts.WaitToReadAsync(cancel).ConfigureAwait(false))
            {
                while (!isPaused && stream.Parts.TryRead(out var part))
                {
                    cancel.ThrowIfCancellationRequested(); // What is there already is read without looking.
                    await TakeAsync(part, sink, cancel).ConfigureAwait(false);
                    isPaused = stream.IsPaused;
                }
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            if (asked.Answers == 1) _home.Memory.Keep(call.Id, [.. _soFar, .. _tokens[0]]);
            return new(CallEnd.Cancelled, 0, PromptTokens, OutputTokens, "");
        }
        finally
        {
            lock (_gate) (_isRunning, _isOver) = (false, !isPaused);
            if (!isPaused) CancelAll(); // Means nothing to what has ended.
        }

        if (isPaused) return new(CallEnd.Evicted, 0, PromptTokens, OutputTokens, "");
        var broken = Array.Find(_ends, e => e.Reason is EndReason.Failed or EndReason.Cancelled);
        if (broken.Reason is EndReason.Failed or EndReason.Cancelled) return Broken(broken.Error);
        await FinishAsync(sink, cancel).ConfigureAwait(false);
        return new(CallEnd.Completed, 200, PromptTokens, OutputTokens, "");
    }

    private CallOutcome Broken(string why) =>
        new(CallEnd.Broken, 0, PromptTokens, OutputTokens, why.Length > 0 ? why : "The engine was stopped.");

    private void EvictAll()
    {
        foreach (var generation in _generations) Engine.Evict(generation);
    }

    private void CancelAll()
    {
        lock (_gate)
            foreach (var generation in _generations) Engine.Cancel(generation);
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
            Chooser = sample => _model.Chooser(asked.Sampling, prompt * asked.Samples + sample),
            Sink = stream.From(prompt * asked.Samples),
            Priority = call.Priority,
        };
        var (refusal, generation) = await Engine.SubmitAsync(request).ConfigureAwait(false);
        if (generation is not null) _generations.Add(generation);
        return refusal switch
        {
            Refusal.None => null,
            Refusal.Busy => InProcessUpstream.Busy("The engine has as many answers as it may."),
            Refusal.TooLong => InProcessUpstream.Refused(
                400, $"The prompt has {asked.Prompts[prompt].Length + _soFar.Length} tokens; prompt and answer can have "
                + $"{Engine.TokensMax} together.", code: "context_length_exceeded"),
            Refusal.Malformed => InProcessUpstream.Refused(400, "The prompt is empty."),
            _ => new(CallEnd.Broken, 0, -1, 0, Engine.Fault ?? "The engine was stopped."),
        };
    }

    private async ValueTask TakeAsync(AnswerPart part, IAnswerSink sink, CancellationToken cancel)
    {
        var i = part.Sample;
        if (part.End is { } end)
        {
            if (end.Reason == EndReason.Evicted) return;
            _ends[i] = end;
            if (end.Reason is not (EndReason.Stop or EndReason.Length)) return;
            if (_readers[i] is { } ended)
                await GiveAsync(i, _calls[i].Count, ended.Finish(_calls[i]), null, sink, cancel).ConfigureAwait(false);
            if (call.Stream) await SendAsync(sink, _json.Last(i, Reason(i)), cancel).ConfigureAwait(false);
            return;
        }

        _tokens[i].Add(part.Token.Token);
        _untold++;
        var text = part.Token.Text ?? "";
        ShownToken? shown = asked.Sampling.Logprobs ? new(text, part.Token) : null;
        var known = _calls[i].Count;
        var settled = _readers[i] is { } reader ? reader.Push(text, _calls[i]) : text;
        await GiveAsync(i, known, settled, shown, sink, cancel).ConfigureAwait(false);
    }

    /// <summary>Gives the caller of a stream what is settled of an answer, and keeps it otherwise.</summary>
    /// <param name="known">Calls that it had before.</param>
    private async ValueTask GiveAsync(
        int i, int known, string text, ShownToken? shown, IAnswerSink sink, CancellationToken cancel)
    {
        if (!call.Stream)
        {
            _texts[i].Append(text);
            if (shown is { } token) _shown[i].Add(token);
            return;
        }

        if (text.Length > 0 || shown is not null)
            await SendAsync(sink, _json.Piece(i, text, shown is { } token ? [token] : null), cancel).ConfigureAwait(false);
        for (var n = known; n < _calls[i].Count; n++)
        {
            await SendAsync(sink, _json.CallBegin(i, n, _calls[i][n]), cancel).ConfigureAwait(false);
            await SendAsync(sink, _json.CallArguments(i, n, _calls[i][n]), cancel).ConfigureAwait(false);
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
            var answers = _ends.Select((_, i) => (
                _texts[i].ToString(), (IReadOnlyList<FunctionCall>)_calls[i], Reason(i),
                !asked.Sampling.Logprobs ? null : (IReadOnlyList<ShownToken>)_shown[i])).ToList();
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
        var made = _home.Memory.Take(call.Id);
        var decoder = new TextDecoder(_model.Tokenizer);
        var (text, found) = ("", -1);
        for (var i = 0; i < made.Length && text.Length <= resume.Text.Length; i++)
        {
            text += decoder.Push(made[i]).ToString();
            if (text != resume.Text) continue;
            found = i + 1;
            if (found >= resume.OutputTokens) break; // Tokens after it have no text yet; they are made again.
        }

        if (found >= 0) return made[..found];
        return _model.Tokenizer.Encode(resume.Text, addSpecial: false, parseSpecial: false);
    }

    private string Reason(int i) =>
        _ends[i].Reason == EndReason.Length ? "length" : _calls[i].Count > 0 ? "tool_calls" : "stop";
}
