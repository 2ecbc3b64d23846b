using Sluice.Core;

namespace Sluice.Testing;

/// <summary>What one step computed.</summary>
/// <param name="Chunks">Tokens of prompts, by request.</param>
/// <param name="Decodes">Sequences that took one token each.</param>
public sealed record StepTaken((int Request, int Tokens)[] Chunks, int Decodes)
{
    public int Tokens => Chunks.Sum(c => c.Tokens) + Decodes;

    /// <summary>As in <c>2 decodes, #3:50, #4:12</c>.</summary>
    public override string ToString() => string.Join(", ", Parts());

    private IEnumerable<string> Parts()
    {
        if (Decodes > 0) yield return $"{Decodes} decode{(Decodes == 1 ? "" : "s")}";
        foreach (var (request, tokens) in Chunks) yield return $"#{request}:{tokens}";
    }
}

/// <summary>One engine without a fleet around it. A step takes a millisecond, whatever is in it, and is written down. Who is
/// given back at the end of a slice comes again at once, as a dispatcher would send it.</summary>
public sealed class TestEngine : IterationDecorator, IModelRunner, IEventSink
{
    private readonly Dictionary<RequestId, (Request Request, TokenEstimate Predicted, int OutputTokens)> _sliced = [];
    private readonly Queue<(RequestId Id, int OutputTokens)> _returning = [];
    private Step? _step;

    /// <param name="stepTime">How long steps take; null for a millisecond, which the scheduler then has to learn.</param>
    public TestEngine(
        IIterationScheduler scheduler, EngineLimits? limits = null, IKvCache? cache = null, IStepTimeModel? stepTime = null)
        : base(scheduler)
    {
        ClosedForm = stepTime;
        Cache = cache ?? new CountingKvCache(totalBlocks: 10_000, blockTokens: 16);
        Core = new EngineCore(new(0), (limits ?? new()) with { SkipStableSteps = false }, this, Cache, this, this);
    }

    public EngineCore Core { get; }
    public IKvCache Cache { get; }
    public EventLog Events { get; } = new();
    public List<StepTaken> Steps { get; } = [];

    /// <summary>Called before each composition and after it.</summary>
    public Action<Step>? Before { get; init; }

    public Action<Step>? After { get; init; }
    public Instant Now { get; private set; }

    public IStepTimeModel? ClosedForm { get; }

    public bool Submit(int id, int promptTokens, int outputTokens, int priority = 0, double predicted = -1) =>
        TrySubmit(A.Request(id, promptTokens, priority: priority), outputTokens, predicted, mayDecline: false);

    /// <summary>A request that arrives now.</summary>
    public bool Submit(Request request, int outputTokens, double predicted = -1, bool mayDecline = false) =>
        TrySubmit(request with { Arrival = Now }, outputTokens, predicted, mayDecline);

    /// <summary>Takes so many steps, or all there are.</summary>
    /// <returns>False if the engine came to rest.</returns>
    public bool Run(int steps = int.MaxValue)
    {
        // A turn that begins the first step ends none.
        for (var until = steps == int.MaxValue ? int.MaxValue : Steps.Count + steps; Steps.Count < until;)
        {
            if (Core.NextTurn == Instant.Never) return false;
            Now = Core.NextTurn;
            Core.Turn();
            while (_returning.TryDequeue(out var back))
            {
                var (request, estimate, limit) = _sliced[back.Id];
                Core.TrySubmit(Now, request, estimate, limit, back.OutputTokens);
            }

            if (Steps.Count > 1_000_000) throw new InvariantException("goes on for ever");
        }

        return true;
    }

    public string[] Trace => [.. Steps.Select(s => s.ToString())];

    public override void Compose(Step step)
    {
        _step = step;
        Before?.Invoke(step);
        base.Compose(step);
        After?.Invoke(step);
    }

    public void Emit(in SluiceEvent e)
    {
        Events.Emit(in e);
        if (SliceSteps > 0 && e.Kind is EventKind.Evicted) _returning.Enqueue((e.Request, (int)e.Amount));
    }

    private bool TrySubmit(Request request, int outputTokens, double predicted, bool mayDecline)
    {
        var estimate = new TokenEstimate(predicted < 0 ? outputTokens : predicted, 0);
        if (SliceSteps > 0) _sliced[request.Id] = (request, estimate, outputTokens);
        return Core.TrySubmit(Now, request, estimate, outputTokens, mayDecline: mayDecline);
    }

    long IModelRunner.Run(Batch batch)
    {
        var chunks = new (int, int)[batch.Chunks.Length];
        for (var i = 0; i < chunks.Length; i++)
            chunks[i] = ((int)_step![batch.Chunks[i].Sequence].Request.Id.Value, batch.Chunks[i].Tokens);
        Steps.Add(new(chunks, batch.AdvancesDecodes ? batch.Shape.DecodeSequences : 0));
        return ClosedForm?.StepTime(in batch.Shape) ?? 1_000_000_000_000;
    }
}
