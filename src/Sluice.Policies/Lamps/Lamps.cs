using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Answers that call tools: what becomes of their KV meanwhile is what wastes least memory, and whoever needs least memory for
/// least time goes first.</summary>
/// <remarks>
/// Source: Shahout et al., "Fast Inference for Augmented Large Language Models" (LAMPS, arXiv 2410.18248; its code is also called MARS).
/// Decided for each segment of an answer, when the request comes and each time a tool has answered. Those who run stay, in order of
/// arrival; the rank is for those who wait or are swapped out, as in the artifact. Two departures [I]: a decode step is priced as the
/// memory it holds for its time, not as prefill; and what runs at the time of a decision is all of the running batch.
/// </remarks>
public sealed class Lamps : IIterationScheduler
{
    private readonly Ranked _ranked;
    private readonly LampsOptions _options;
    private readonly Segments _segments;
    private readonly SequenceStates<Plan> _plans = new();
    private CallWaste? _waste;
    private Step? _step;

    public Lamps(LampsOptions options, EngineContext context)
    {
        (_options, _segments) = (options, new(options, context));
        _ranked = new(new ByArea(this), new()
        {
            StarvedAfter = options.StarvedAfter, Quantum = int.MaxValue, SparesNewcomers = !options.GuardsAll,
        });
    }

    /// <summary>What was decided for the segment after so many calls.</summary>
    private readonly record struct Plan(bool IsMade, int CallsMade, double Area, CallHandling Handling);

    public bool IsStable => _ranked.IsStable;
    public IWaitingOrder? WaitingOrder => _ranked.WaitingOrder;

    public void Compose(Step step)
    {
        _step = step;
        _ranked.Compose(step);
    }

    public CallHandling HandleCall(Step step, int sequence)
    {
        _step = step;
        ref readonly var s = ref step[sequence];
        if (_options.Handling is { } always) return always;
        if (!_options.ChoosesAtCall) return PlanOf(sequence, in s).Handling;
        var (running, chunk) = Load(step);
        var seconds = _segments.Next(in s, step.OutputTokens(sequence)).Seconds;
        return WasteOf(step).Least(step.ComputedTokens(sequence), seconds, running, chunk);
    }

    public void OnCallEnded(in Sequence sequence, in ToolCall call) => _segments.Observe(in call);

    private Plan PlanOf(int slot, in Sequence s)
    {
        var plan = _plans.Of(slot, in s);
        if (plan.IsMade && plan.CallsMade == s.CallsMade) return plan;
        plan = Make(_step!, slot, in s);
        _plans.Set(slot, in s, plan);
        return plan;
    }

    private Plan Make(Step step, int slot, in Sequence s)
    {
        var waste = WasteOf(step);
        var (running, chunk) = Load(step);
        var output = step.OutputTokens(slot);
        var known = s.GivenTokens + output;
        var next = _segments.Next(in s, output);
        var context = known + next.Output;
        var handling = _options.Handling ?? (next.EndsInCall ? waste.Least(context, next.Seconds, running, chunk) : default);

        // Memory over time: growing by a token a step; then held, or moved, or computed again; then as much again after the call.
        var step1 = StepSeconds(step);
        var area = Growing(known, next.Output, step1) + waste.Area(known, waste.Saturation);
        if (next.EndsInCall)
        {
            area += handling switch
            {
                CallHandling.Preserve => CallWaste.Preserve(context, next.Seconds),
                CallHandling.Swap => 2 * waste.SwapPerToken / 1000 * context * context,
                _ => waste.Area(context, waste.Saturation),
            };
            area += Growing(context + next.Response, next.Output, step1);
        }

        var rank = _options.Order switch
        {
            LampsOrder.Length => next.Output,
            LampsOrder.Arrival => 0,
            _ => area,
        };
        return new(IsMade: true, s.CallsMade, rank, handling);
    }

    private static double Growing(double from, double tokens, double stepSeconds) => stepSeconds * tokens * (from + tokens / 2);

    private CallWaste WasteOf(Step step) => _waste ??= CallWaste.Of(step.StepTime, _options.Saturation);

    /// <summary>KV tokens of those who decode, and what fits beside them into a step.</summary>
    private (double Running, double Chunk) Load(Step step)
    {
        var tokens = 0L;
        for (var s = step.FirstRunning; s >= 0; s = step.NextRunning(s)) tokens += step.ComputedTokens(s);
        return (tokens, WasteOf(step).Chunk(step.Decoding));
    }

    private static double StepSeconds(Step step) => step.StepTime.StepTime(new() { DecodeSequences = Math.Max(1, step.Decoding) }) / 1e15;

    private sealed class ByArea(Lamps lamps) : IRank
    {
        /// <summary>Plans are made once per segment.</summary>
        public bool IsStable => true;

        public double Of(in RankView view) => view.IsRunning ? double.MinValue : lamps.PlanOf(view.Slot, in view.Sequence).Area;
    }
}
