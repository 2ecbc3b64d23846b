using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Interactive and batch requests on one engine: prompts by deadline and length, steps as long as the decodes' slack
/// allows, and whoever would be late anyway steps back.</summary>
/// <remarks>
/// Source: Goel et al., "QoServe: Breaking the Silos of LLM Inference Serving" (ASPLOS 2026), and its artifact. A step:
/// <list type="number">
/// <item>every decode takes one token;</item>
/// <item>the step may have so many tokens that its predicted time, with a safety factor, is within the least slack of a decode
/// to its next token;</item>
/// <item>prompts fill it in the order deadline + alpha × work left, which is earliest deadline first for alpha = 0 and shortest
/// prompt first for a large one. A prompt under way is overtaken only if it can afford to skip a step.</item>
/// <item>a waiting request that would be late even if it were next is relegated: it runs when nobody else wants the step. With
/// hints, those of low importance (<see cref="Request.Priority"/> above 0) before any other.</item>
/// </list>
/// Ours, where paper and artifact are silent: relegated answers do not hold steps short; and when a decode alone is in time and
/// the shortest chunk would make it late, the step has none. A relegated request can wait for as long as overload lasts. Blocks
/// for the whole prompt are taken at admission; when decodes run short of them, a prompt under way gives way before a decode does.
/// O(running) per step, O(log waiting) per admission, O(waiting log waiting) every eighth step; no allocation once warm. Ties go by
/// submission order.
/// </remarks>
public sealed class Niyama : IIterationScheduler, IWaitingOrder
{
    private const long RelegatedFrom = 1L << 61;
    private const int ChunkMin = 128, ChunkStride = 256, ChunkMaxIfKvIsLow = 512;
    private const double RateMemory = 0.995;

    private readonly NiyamaOptions _options;
    private readonly NiyamaDeadlines _deadlines;
    private readonly NiyamaOutlook _outlook;
    private readonly Action<Step, int> _relegate;
    private (long Key, int Slot)[] _prompts = new (long, int)[16];
    private readonly SequenceStates<bool> _relegated = new();
    private double _rate; // prompt tokens per second
    private long _stepTime; // of the last step that computed prompts [ticks]
    private bool _isSomebodyWaiting;

    public Niyama(NiyamaOptions options)
    {
        (_options, _rate) = (options, options.FirstRate);
        _deadlines = new(options);
        _outlook = new(options, _deadlines);
        _relegate = Relegate;
    }

    /// <summary>Whoever waits may become late with time.</summary>
    public bool IsStable => !_isSomebodyWaiting;

    public IWaitingOrder WaitingOrder => this;

    public long KeyOf(in Sequence sequence) => _deadlines.KeyOf(in sequence, sequence.Request.PromptTokens);

    public void Compose(Step step)
    {
        _outlook.Look(step, _rate, RelegatedFrom, _relegate);
        while (!step.TryAdvanceDecodes()) step.Preempt(Victim(step));
        step.NarrowBudget(Math.Max(0, ChunkTokens(step) - step.Shape.DecodeSequences));
        Fill(step);
        Learn(step);
        _isSomebodyWaiting = step.Waiting.Count > 0;
    }

    /// <summary>Tokens that this step may have in all.</summary>
    private int ChunkTokens(Step step)
    {
        if (_options.Chunk > 0) return _options.Chunk;
        var most = _options.ChunkMax;
        var low = Math.Min(_options.KvLowTokens, step.Cache.TotalBlocks * step.Cache.BlockTokens / 4);
        if (step.Cache.FreeBlocks * step.Cache.BlockTokens < low) most = Math.Min(most, ChunkMaxIfKvIsLow);
        var decodes = step.Shape.DecodeSequences;
        var slack = decodes == 0 ? long.MaxValue : LeastSlack(step);
        if (slack == long.MaxValue) return most;
        if (slack <= 0) return decodes + ChunkMin;

        // The largest of 128, 256, 512, 768, … that is predicted to be in time.
        var computed = step.Prefilling.IsEmpty ? 0 : step.ComputedTokens(step.Prefilling[0]);
        var within = Math.Min(slack, TimeSpan.TicksPerHour) * (double)EngineTime.FemtosecondsPerTick;
        var (fits, exceeds) = (0, (most + ChunkStride - 1) / ChunkStride + 1);
        while (exceeds - fits > 1)
        {
            var middle = (fits + exceeds) / 2;
            if (TimeOf(Math.Min(middle * ChunkStride, most)) * _options.Safety <= within) fits = middle;
            else exceeds = middle;
        }

        if (fits > 0) return Math.Min(fits * ChunkStride, most);
        var canWait = step.TimeWith(0, 0) <= within;
        return canWait && step.TimeWith(ChunkMin, computed) > within ? decodes : decodes + ChunkMin;

        double TimeOf(int tokens) => step.TimeWith(Math.Max(0, tokens - decodes), computed);
    }

    /// <summary>Ticks until the first token of a decode is due, of those not relegated.</summary>
    private long LeastSlack(Step step)
    {
        var first = long.MaxValue;
        for (var slot = step.FirstRunning; slot >= 0; slot = step.NextRunning(slot))
        {
            ref readonly var s = ref step[slot];
            if (s.Phase is not SequencePhase.Decoding || IsRelegated(slot, in s)) continue;
            first = Math.Min(first, _deadlines.OfNextToken(in s, step.OutputTokens(slot)).Ticks);
        }

        return first == long.MaxValue ? first : first - step.Now.Ticks;
    }

    /// <summary>Prompts under way and waiting ones by their places, until the budget is used.</summary>
    private void Fill(Step step)
    {
        var count = ListPrompts(step);
        var next = 0;
        var mayAdmit = !step.SomeoneGaveWay || step.Running == 0;
        while (step.Budget > 0)
        {
            var head = mayAdmit ? step.Waiting.Head : -1;
            if (head >= 0 && (next == count || step.Waiting.KeyOf(head) < _prompts[next].Key))
            {
                if (MustStepBack(step, head)) Relegate(step, head);
                else mayAdmit = step.TryAdmit(head, int.MaxValue, wholePrompt: true);
            }
            else if (next < count)
            {
                var slot = _prompts[next].Slot;
                if (step[slot].Phase is not SequencePhase.Prefilling || step.TryChunk(slot, int.MaxValue)) next++;
                else if (step.Shape is not { DecodeSequences: 0, PrefillTokens: 0 }) return; // Those who run will free some.
                else step.Preempt(Victim(step)); // Answers of tools, which nobody reserved room for, hold each other up.
            }
            else
            {
                return;
            }
        }
    }

    /// <summary>Prompts under way by their places; those that cannot skip this step stand first.</summary>
    private int ListPrompts(Step step)
    {
        var prompts = step.Prefilling;
        if (_prompts.Length < prompts.Length) Array.Resize(ref _prompts, prompts.Length * 2);
        for (var i = 0; i < prompts.Length; i++)
        {
            var slot = prompts[i];
            ref readonly var s = ref step[slot];
            var left = step.BehindTokens(slot);
            var key = _deadlines.KeyOf(in s, left);
            if (IsRelegated(slot, in s)) key += RelegatedFrom;
            else if (!IsLate(step.Now, in s, left) && IsLate(new(step.Now.Ticks + _stepTime), in s, left)) key = long.MinValue + i;
            var at = i;
            for (; at > 0 && _prompts[at - 1].Key > key; at--) _prompts[at] = _prompts[at - 1];
            _prompts[at] = (key, slot);
        }

        return prompts.Length;
    }

    private bool MustStepBack(Step step, int slot) =>
        _options.Relegates && step.Waiting.KeyOf(slot) < RelegatedFrom && IsLate(step.Now, in step[slot], step.BehindTokens(slot));

    /// <summary>True if the prompt would be late even if from now on it had every step.</summary>
    private bool IsLate(Instant now, in Sequence s, int left)
    {
        var due = _deadlines.OfPrompt(in s);
        return due != Instant.Never && now.Ticks + left / _rate * TimeSpan.TicksPerSecond > due.Ticks;
    }

    private void Relegate(Step step, int slot)
    {
        ref readonly var s = ref step[slot];
        step.Waiting.SetKey(slot, RelegatedFrom + _deadlines.KeyOf(in s, step.BehindTokens(slot)));
        if (IsRelegated(slot, in s)) return; // It had lost its blocks meanwhile.
        _relegated.Set(slot, in s, true);
        step.Relegate(slot);
    }

    private bool IsRelegated(int slot, in Sequence s) => _relegated.Of(slot, in s);

    /// <summary>Who gives up its blocks: the last prompt under way, else the decode admitted last; relegated ones
    /// first.</summary>
    private int Victim(Step step)
    {
        var (victim, worst) = (step.LastRunning, -1);
        for (var slot = step.LastRunning; slot >= 0; slot = step.PreviousRunning(slot))
        {
            ref readonly var s = ref step[slot];
            var badness = (IsRelegated(slot, in s) ? 2 : 0) + (s.Phase is SequencePhase.Prefilling ? 1 : 0);
            if (badness > worst) (victim, worst) = (slot, badness);
        }

        return victim;
    }

    private void Learn(Step step)
    {
        if (step.Shape.PrefillTokens == 0) return;
        var femtoseconds = step.StepTime.StepTime(in step.Shape);
        _stepTime = femtoseconds / EngineTime.FemtosecondsPerTick;
        _rate = RateMemory * _rate + (1 - RateMemory) * step.Shape.PrefillTokens * 1e15 / femtoseconds;
    }
}
