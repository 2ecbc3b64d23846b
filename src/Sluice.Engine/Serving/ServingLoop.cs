using System.Buffers.Binary;
using System.Security.Cryptography;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Why a generation was not taken.</summary>
public enum Refusal : byte
{
    None,

    /// <summary>As many answers as may be are in the engine.</summary>
    Busy,

    /// <summary>Prompt and one token do not fit the context or the KV memory.</summary>
    TooLong,

    /// <summary>An empty prompt, or a token id outside the vocabulary.</summary>
    Malformed,

    /// <summary>The engine broke or is closed.</summary>
    Broken,
}

/// <summary>What an engine says of itself between two steps.</summary>
public readonly record struct EngineStatus(
    int Running, int Waiting, int Outstanding, int TotalBlocks, int FreeBlocks, int BlockTokens, long Steps, long PrefillTokens,
    long OutputTokens);

/// <summary>The loop of one engine that computes: the core with a model behind it, and the content of its sequences. Not
/// thread-safe: <see cref="EmbeddedEngine"/> puts a thread around it.</summary>
/// <remarks>Everything that a caller asks for happens between two steps.</remarks>
public sealed partial class ServingLoop : IEventSink
{
    private readonly ITransformer _model;
    private readonly ServingOptions _options;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly PagedKvCache _cache;
    private readonly TransformerRunner _runner;
    private readonly EngineCore _core;
    private readonly TokenBlockHashes _hashes;
    private long _lastId;
    private long _stepStamps;

    public ServingLoop(ITransformer model, IIterationScheduler scheduler, ServingOptions options, TimeProvider time)
    {
        (_model, _options, _time, _start) = (model, options, time, time.GetTimestamp());
        _cache = new(model.TotalBlocks, model.BlockTokens, options.HostBlocks, options.PrefixCache) { ListsSwaps = true };
        _runner = new(model, _cache, time);
        var limits = new EngineLimits(options.TokenBudget, options.SequencesMax, SkipStableSteps: false);
        _core = new(new(0), limits, scheduler, _cache, _runner, this);
        var (key0, key1) = options.HashKey ?? RandomKey();
        _hashes = new(key0, key1);
    }

    /// <summary>The numbers of the loop: steps, tokens, blocks, who waits and who runs.</summary>
    public EngineCore Core => _core;

    public PagedKvCache Cache => _cache;

    /// <summary>Answers in the engine, those included that wait for the first token of a sibling.</summary>
    public int Outstanding { get; private set; }

    public bool HasWork => _core.HasWork || _exports.Count > 0;

    public Instant Now => new(_time.GetElapsedTime(_start).Ticks);

    /// <summary>Share of the steps' time that was neither the model's nor the choice of tokens: composing, laying out,
    /// accounting, handing on. 0 to 1.</summary>
    public double LoopShare => _stepStamps == 0 ? 0 : 1 - _runner.ModelStamps / (double)_stepStamps;

    /// <summary>The part of <see cref="StepTime"/> that <see cref="LoopShare"/> is about.</summary>
    public TimeSpan LoopTime => TimeSpan.FromSeconds((_stepStamps - _runner.ModelStamps) / (double)_time.TimestampFrequency);

    /// <summary>Of all steps so far.</summary>
    public TimeSpan StepTime => TimeSpan.FromSeconds(_stepStamps / (double)_time.TimestampFrequency);

    internal TransformerRunner Runner => _runner;

    /// <summary>Most tokens that prompt and answer can have together.</summary>
    public int TokensMax => (int)Math.Min(_model.ContextMax, (long)_model.TotalBlocks * _model.BlockTokens);

    public Refusal TrySubmit(GenerationRequest request, out Generation? generation)
    {
        generation = null;
        Check.That(request.Samples is >= 1 and <= 128);
        Check.That(request.MaxOutputTokens > request.OutputSoFar.Length);
        if (Outstanding + request.Samples > _options.OutstandingMax) return Refusal.Busy;
        if (request.Prompt.IsEmpty || HasForeign(request.Prompt.Span) || HasForeign(request.OutputSoFar.Span)) return Refusal.Malformed;
        var limit = Math.Min(request.MaxOutputTokens, TokensMax - request.Prompt.Length);
        if (limit <= request.OutputSoFar.Length) return Refusal.TooLong;

        generation = new(request.Sink, request.Samples, request.Beams is not null);
        var blocks = _options.PrefixCache ? _hashes.Of(request.Prompt.Span, _model.BlockTokens) : default;
        if (request.Beams is { } beams)
        {
            if (limit < 2) return Refusal.TooLong;
            EnterBeams(generation, request, beams, blocks);
            return Refusal.None;
        }

        for (var sample = 0; sample < request.Samples; sample++)
            generation.Sequences[sample] = Prepare(generation, request, sample, limit, blocks);

        Outstanding += request.Samples;
        var first = generation.Sequences[0];
        if (request.Samples > 1 && request.OutputSoFar.IsEmpty) first.Siblings = [.. generation.Sequences[1..]];
        else for (var i = 1; i < request.Samples; i++) Enter(generation.Sequences[i]);
        Enter(first);
        return Refusal.None;
    }

    /// <summary>Ends all answers of a generation that have not ended; those evicted too.</summary>
    public void Cancel(Generation generation)
    {
        if (_beams.Find(b => b.Members[0].Generation == generation) is { } beams)
        {
            CancelBeams(beams, EndReason.Cancelled);
            return;
        }

        foreach (var sequence in generation.Sequences)
        {
            if (_runner.Find(sequence.Request.Id) != sequence) continue;
            sequence.IsCancelled = true;
            if (sequence.IsEvicted || !_core.TryCancel(Now, sequence.Request.Id))
            {
                _core.DropParked(sequence.Request.Id);
                Finish(sequence, EndReason.Cancelled, Now);
            }
            else if (sequence.Siblings is { } siblings)
            {
                sequence.Siblings = null; // They were waiting for its first token, and end with it.
                foreach (var sibling in siblings) Finish(sibling, EndReason.Cancelled, Now);
            }
        }
    }

    /// <summary>Takes a generation off the engine; what it has computed goes to host memory while there is room. Its sink is
    /// told <see cref="EndReason.Evicted"/>, or another end that was first.</summary>
    public void Evict(Generation generation)
    {
        foreach (var sequence in generation.Sequences)
            if (_runner.Find(sequence.Request.Id) == sequence && !sequence.IsEvicted) _core.TryEvict(Now, sequence.Request.Id);
    }

    /// <summary>Goes on with the evicted answers of a generation, from their KV if it was kept.</summary>
    public void Resume(Generation generation)
    {
        foreach (var sequence in generation.Sequences)
        {
            if (_runner.Find(sequence.Request.Id) != sequence || !sequence.IsEvicted) continue;
            sequence.IsEvicted = false;
            Outstanding++;
            Submit(sequence);
        }
    }

    /// <summary>Takes one step if there is anything to compute.</summary>
    /// <returns>False if there was nothing.</returns>
    public bool Step()
    {
        AdvanceExports();
        if (!_core.HasWork) return false;
        var begin = _time.GetTimestamp();
        _core.BeginStep(Now);
        if (!_core.IsStepping) return false;
        _core.EndStep();
        TakeForks();
        AdvanceBeams();
        _stepStamps += _time.GetTimestamp() - begin;
        return true;
    }

    /// <summary>The engine is broken or closes: everybody is told, and nothing is computed any more. Who was evicted has been
    /// told already.</summary>
    internal void Abandon(EndReason reason, string error)
    {
        foreach (var beams in _beams.ToArray()) CancelBeams(beams, reason, error);
        foreach (var sequence in _runner.All.ToArray())
            if (!sequence.IsEvicted) Tell(sequence, sequence.Ending ?? reason, Now, error);
        foreach (var export in _exports) export.OnDone(null);
        _exports.Clear();
    }

    internal EngineStatus Status() => new(
        _core.Running, _core.Waiting.Count, Outstanding, _cache.TotalBlocks, _cache.FreeBlocks, _cache.BlockTokens,
        _core.Iterations, _core.PrefillTokens, _core.OutputTokens);

    void IEventSink.Emit(in SluiceEvent e)
    {
        _options.Events?.Emit(in e);
        var sequence = _runner.Find(e.Request);
        if (sequence is null) return; // An engine-wide event, or a sequence that is no longer anybody's.
        switch (e.Kind)
        {
            case EventKind.Started when !sequence.HasMoved:
                sequence.CachedTokens = e.Amount;
                break;
            case EventKind.FirstToken:
                sequence.FirstTokenAt = e.At;
                break;
            case EventKind.Preempted or EventKind.SwappedOut:
                sequence.Preemptions++;
                break;
            case EventKind.SwappedIn when sequence.Image is { } image:
                _runner.Import(_core.SlotOf(e.Request), image);
                sequence.Image = null;
                break;
            case EventKind.Finished when sequence.Beam is not null:
                break; // It ran ahead of its group to the end; what it found is kept until the group comes there.
            case EventKind.Finished:
                Check.That(sequence.Ending is not null);
                Finish(sequence, sequence.Ending.Value, e.At);
                break;
            case EventKind.Cancelled:
                Finish(sequence, sequence.Ending ?? EndReason.Cancelled, e.At);
                break;
            case EventKind.Evicted:
                Park(sequence, e.At);
                break;
            case EventKind.MovedOut:
                MovedOut(sequence, e.At);
                break;
        }
    }

    private LiveSequence Prepare(
        Generation generation, GenerationRequest request, int sample, int limit, ReadOnlyMemory<ulong> blocks)
    {
        var prompt = request.Prompt.Span;
        var known = prompt.Length + request.OutputSoFar.Length;

        // Drafts are laid out behind the newest token before they are verified.
        var drafts = request.Draft is null ? 0 : Math.Clamp(request.DraftTokens, 1, 16);
        var tokens = new int[prompt.Length + limit + drafts];
        prompt.CopyTo(tokens);
        request.OutputSoFar.Span.CopyTo(tokens.AsSpan(prompt.Length));
        var predicted = request.Predicted ?? new(limit, 0);
        var sequence = new LiveSequence
        {
            Request = new()
            {
                Id = new(_lastId++), Arrival = Now, PromptTokens = prompt.Length, MaxOutputTokens = limit,
                Priority = request.Priority, Slo = request.Slo, PromptBlocks = blocks,
            },
            Predicted = predicted,
            OutputLimit = limit,
            Chooser = request.Chooser(sample),
            Generation = generation,
            Sample = sample,
            Tokens = tokens,
            Count = known,
            Draft = request.Draft,
            Drafts = new int[drafts],
            SubmittedAt = Now,
        };
        _runner.Add(sequence);
        return sequence;
    }

    private void Enter(LiveSequence sequence)
    {
        sequence.SubmittedAt = Now;
        Submit(sequence);
    }

    private void Submit(LiveSequence sequence)
    {
        var isTaken = _core.TrySubmit(
            Now, sequence.Request, sequence.Predicted, sequence.OutputLimit, sequence.OutputTokens);
        Check.That(isTaken);
    }

    /// <summary>Answers whose first token came out of a sibling's prompt join with shared KV, or by themselves where that
    /// cannot be.</summary>
    private void TakeForks()
    {
        foreach (var (parent, child) in _runner.Forks)
        {
            child.CachedTokens = child.PromptTokens;
            child.FirstTokenAt = parent.FirstTokenAt;
            if (child.Ending is { } ending)
                Finish(child, ending, Now);
            else if (!_core.TryFork(Now, parent.Request.Id, child.Request, child.Predicted, child.OutputLimit))
                Submit(child);
        }

        _runner.ClearForks();
    }

    private void Park(LiveSequence sequence, Instant at)
    {
        // Complete, but kept with its batch (static batching); or cancelled in the same breath.
        if (sequence.Ending is not null || sequence.IsCancelled)
        {
            _core.DropParked(sequence.Request.Id);
            Finish(sequence, sequence.Ending ?? EndReason.Cancelled, at);
            return;
        }

        if (sequence.Siblings is { } siblings)
        {
            // It had not begun; each goes its own way when it is resumed.
            sequence.Siblings = null;
            foreach (var sibling in siblings) Park(sibling, at);
        }

        sequence.IsEvicted = true;
        Outstanding--;
        Tell(sequence, EndReason.Evicted, at);
    }

    private void Finish(LiveSequence sequence, EndReason reason, Instant at)
    {
        _runner.Remove(sequence);
        if (!sequence.IsEvicted) Outstanding--;
        Check.That(Outstanding >= 0);
        Tell(sequence, reason, at);
    }

    private static void Tell(LiveSequence s, EndReason reason, Instant at, string error = "") =>
        s.Generation.Sink.OnEnd(s.Sample, new(
            reason, s.PromptTokens, s.OutputTokens, s.CachedTokens, s.Preemptions, s.SubmittedAt, s.FirstTokenAt, at, error));

    private bool HasForeign(ReadOnlySpan<int> tokens)
    {
        foreach (var token in tokens)
            if ((uint)token >= (uint)_model.Vocabulary) return true;
        return false;
    }

    private static (ulong, ulong) RandomKey()
    {
        Span<byte> key = stackalloc byte[16];
        RandomNumberGenerator.Fill(key);
        return (BinaryPrimitives.ReadUInt64LittleEndian(key), BinaryPrimitives.ReadUInt64LittleEndian(key[8..]));
    }
}
