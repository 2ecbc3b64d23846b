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

/// <summary>One engine without a fleet around it. A step takes a millisecond, whatever is in it, and is written down.</summary>
public sealed class TestEngine : IModelRunner, IIterationScheduler
{
    private readonly IIterationScheduler _scheduler;
    private Step? _step;

    /// <param name="stepTime">How long steps take; null for a millisecond, which the scheduler then has to learn.</param>
    public TestEngine(
        IIterationScheduler scheduler, EngineLimits? limits = null, IKvCache? cache = null, IStepTimeModel? stepTime = null)
    {
        (_scheduler, ClosedForm) = (scheduler, stepTime);
        Cache = cache ?? new CountingKvCache(totalBlocks: 10_000, blockTokens: 16);
        Core = new EngineCore(new(0), (limits ?? new()) with { SkipStableSteps = false }, this, Cache, this, Events);
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
    public bool IsStable => _scheduler.IsStable;
    public IWaitingOrder? WaitingOrder => _scheduler.WaitingOrder;
    public bool RetiresTogether => _scheduler.RetiresTogether;

    public bool Submit(int id, int promptTokens, int outputTokens, int priority = 0, double predicted = -1) =>
        Core.TrySubmit(
            Now, A.Request(id, promptTokens, priority: priority), new(predicted < 0 ? outputTokens : predicted, 0), outputTokens);

    /// <summary>A request that arrives now.</summary>
    public bool Submit(Request request, int outputTokens, double predicted = -1, bool mayDecline = false) => Core.TrySubmit(
        Now, request with { Arrival = Now }, new(predicted < 0 ? outputTokens : predicted, 0), outputTokens, mayDecline: mayDecline);

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
            if (Steps.Count > 1_000_000) throw new InvariantException("goes on for ever");
        }

        return true;
    }

    public string[] Trace => [.. Steps.Select(s => s.ToString())];

    void IIterationScheduler.Compose(Step step)
    {
        _step = step;
        Before?.Invoke(step);
        _scheduler.Compose(step);
        After?.Invoke(step);
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
