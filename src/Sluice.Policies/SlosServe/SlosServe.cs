using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Admits exactly the requests whose promises it can keep, plans every step for the next deadline, and serves the rest as
/// best effort.</summary>
/// <remarks>
/// Source: Chen et al., "SLOs-Serve: Optimized Serving of Multi-SLO LLMs" (arXiv 2504.08784), and its published code. A step:
/// <list type="number">
/// <item>new requests are decided together by <see cref="SlosAdmission"/>; whoever is not admitted goes to another engine where the
/// dispatcher allows it, else to the best-effort tier;</item>
/// <item>the step lasts at most to the next deadline of an admitted one. Decodes whose token period begins within it get a token;
/// prompts fill it by deadline. If not even the decodes fit, it is as large as it may be (recovery);</item>
/// <item>what is left goes to best-effort prompts and decodes, then to decodes that are ahead of their pace.</item>
/// </list>
/// Best-effort sequences give up their blocks for admitted ones, last started first. Ours: decisions are made in every step that
/// has something new and not every 0.1 s, because promises of a few step times are common; best-effort prompts may be taken in
/// chunks, or a long one would never fit; requests without a promise are best effort from the beginning. O(running) per step,
/// O(new² · promised) per decision; no allocation once warm. Ties go by submission order.
/// </remarks>
public sealed class SlosServe : IIterationScheduler, IWaitingOrder
{
    private enum Standing : byte { New, Admitted, BestEffort }

    private const long BestEffortFrom = 1L << 60, NewFrom = 1L << 61;

    private readonly SlosServeOptions _options;
    private readonly TokenDeadlines _deadlines;
    private readonly SequenceStates<Standing> _standing = new();
    private readonly SlosTiers _tiers;
    private readonly List<PlannedPrompt> _prompts = new(64);
    private readonly List<int> _admitted = new(64);
    private readonly List<int> _bestEffort = new(64); // running, in the order they started
    private readonly List<(long Due, int Slot)> _early = new(64);
    private SlosAdmission _admission;
    private int[] _counts = [0];
    private int[] _waiting = new int[64];
    private int _newcomers;

    public SlosServe(SlosServeOptions options)
    {
        _options = options;
        _deadlines = new(options.Anchor, options.BatchPace, options.Deviations);
        _tiers = new(options.BatchPace);
        _admission = new(new BatchPlan(_tiers.Seconds, 1));
    }

    /// <summary>Who gets a token depends on how far deadlines are.</summary>
    public bool IsStable => false;

    public IWaitingOrder WaitingOrder => this;

    public long KeyOf(in Sequence sequence)
    {
        if (sequence.Preemptions > 0) return BestEffortFrom + sequence.Order; // An admitted one gets its own key back at once.
        _newcomers++;
        return NewFrom + sequence.Order;
    }

    public void Compose(Step step)
    {
        if (_newcomers > 0) Decide(step);
        var limit = Limit(step);
        PlanDecodes(step, limit);
        while (!step.TryAdvanceDecodes()) GiveWay(step, Victim(step));
        var isInTime = FitPrompts(step, limit, Standing.Admitted);
        if (isInTime) FitPrompts(step, limit, Standing.BestEffort);
        if (step.Shape is { PrefillTokens: 0, DecodeSequences: 0 }) RunAnyone(step);
    }

    // Admission -----------------------------------------------------------------------------------------------------------

    private void Decide(Step step)
    {
        var (blocks, context, decodes) = ListPromised(step);
        var (news, isEverybody) = ListNew(step);
        if (news > 0)
        {
            var cost = BatchCost.Of(step.StepTime, decodes, context, promptTokens: 1024, step.Limits.TokenBudget);
            var free = step.Cache.TotalBlocks - blocks;
            if (news <= _options.OptimalMax && _prompts.Count <= SlosAdmission.PromptsMax)
                _admission.Optimal(in cost, _prompts, _counts, free, _admitted);
            else
                _admission.Greedy(in cost, _prompts, _counts, free, _admitted);
        }
        else
        {
            _admitted.Clear();
        }

        var room = step.Limits.SequencesMax - Promised(step);
        foreach (var slot in _admitted)
        {
            if (room-- <= 0) break;
            SetStanding(step, slot, Standing.Admitted);
        }

        foreach (var p in _prompts)
            if (p.IsNew && _standing.Of(p.Slot, in step[p.Slot]) is Standing.New) Refuse(step, p.Slot);
        if (isEverybody) _newcomers = 0;
    }

    /// <summary>Those promised something already: prompts into the list, decodes into the counts.</summary>
    private (int Blocks, long Context, int Decodes) ListPromised(Step step)
    {
        _prompts.Clear();
        Array.Clear(_counts);
        var (blocks, context, decodes) = (0, 0L, 0);
        for (var slot = step.FirstRunning; slot >= 0; slot = step.NextRunning(slot))
        {
            ref readonly var s = ref step[slot];
            if (_standing.Of(slot, in s) is not Standing.Admitted) continue;
            blocks += BlocksOf(step, in s);
            if (s.Phase is SequencePhase.Prefilling)
            {
                _prompts.Add(Planned(step, slot, isNew: false));
                continue;
            }

            context += s.Request.PromptTokens + step.OutputTokens(slot);
            decodes++;
            _counts[TierOf(step, slot, in s)]++;
        }

        foreach (var slot in Waiting(step))
        {
            var standing = _standing.Of(slot, in step[slot]);
            if (standing is not Standing.New && step.Waiting.KeyOf(slot) >= NewFrom)
                SetStanding(step, slot, standing); // Back from a tool, as what it was.
            if (step.Waiting.KeyOf(slot) >= BestEffortFrom) continue;
            blocks += BlocksOf(step, in step[slot]);
            _prompts.Add(Planned(step, slot, isNew: false));
        }

        return (blocks, context, decodes);
    }

    /// <summary>New ones into the list, but for those that nothing can help.</summary>
    /// <returns>How many stand in the list, and whether they are all.</returns>
    private (int Count, bool IsEverybody) ListNew(Step step)
    {
        var count = 0;
        foreach (var slot in Waiting(step))
        {
            if (step.Waiting.KeyOf(slot) < NewFrom) continue;
            ref readonly var s = ref step[slot];
            var due = _deadlines.OfPrompt(in s);
            if (due == Instant.Never)
            {
                SetStanding(step, slot, Standing.BestEffort);
                continue;
            }

            if (count == _options.DecidedMax) return (count, false);
            if (due <= step.Now)
            {
                Refuse(step, slot);
                continue;
            }

            _prompts.Add(Planned(step, slot, isNew: true));
            count++;
        }

        return (count, true);
    }

    private PlannedPrompt Planned(Step step, int slot, bool isNew)
    {
        ref readonly var s = ref step[slot];
        var tier = _tiers.Of(_deadlines.PaceOf(s.Request), out var isChanged);
        if (isChanged) OnTiersChanged(step);
        var seconds = (_deadlines.OfPrompt(in s) - step.Now - _options.Margin).TotalSeconds;
        return new(seconds, step.BehindTokens(slot), tier, isNew ? BlocksOf(step, in s) : 0, isNew, slot);
    }

    /// <summary>Indices have moved: lists made before are made again.</summary>
    private void OnTiersChanged(Step step)
    {
        _counts = new int[_tiers.Seconds.Length];
        _admission = new(new BatchPlan(
            [.. _tiers.Seconds.Select(t => Math.Max(t / 2, t - _options.Margin.TotalSeconds))], step.Limits.TokenBudget));
        for (var slot = step.FirstRunning; slot >= 0; slot = step.NextRunning(slot))
        {
            ref readonly var s = ref step[slot];
            if (_standing.Of(slot, in s) is Standing.Admitted && s.Phase is not SequencePhase.Prefilling)
                _counts[TierOf(step, slot, in s)]++;
        }

        for (var i = 0; i < _prompts.Count; i++)
            _prompts[i] = _prompts[i] with { Tier = _tiers.Of(_deadlines.PaceOf(step[_prompts[i].Slot].Request), out _) };
    }

    private int TierOf(Step step, int slot, in Sequence s)
    {
        var tier = _tiers.Of(_deadlines.PaceOf(s.Request), out var isChanged);
        Check.That(!isChanged); // It was admitted with this pace.
        if (!_options.CountsSlack) return tier;
        var due = _deadlines.OfNextToken(in s, step.OutputTokens(slot));
        return due == Instant.Never ? tier : _tiers.Within((due - step.Now).TotalSeconds);
    }

    private void Refuse(Step step, int slot)
    {
        if (step[slot].MayDecline)
        {
            step.Decline(slot);
            return;
        }

        SetStanding(step, slot, Standing.BestEffort);
        step.Relegate(slot);
    }

    private void SetStanding(Step step, int slot, Standing standing)
    {
        ref readonly var s = ref step[slot];
        _standing.Set(slot, in s, standing);
        step.Waiting.SetKey(slot, standing is Standing.Admitted ? _deadlines.OfPrompt(in s).Ticks : BestEffortFrom + s.Order);
    }

    private int Promised(Step step)
    {
        var count = 0;
        for (var slot = step.FirstRunning; slot >= 0; slot = step.NextRunning(slot))
            if (_standing.Of(slot, in step[slot]) is Standing.Admitted) count++;
        foreach (var slot in Waiting(step))
            if (step.Waiting.KeyOf(slot) < BestEffortFrom) count++;
        return count;
    }

    private int BlocksOf(Step step, in Sequence s) =>
        (s.Request.PromptTokens + (int)Math.Min(s.Request.MaxOutputTokens, Math.Ceiling(_deadlines.AnswerTokens(in s))))
        / step.Cache.BlockTokens + 1;

    private ReadOnlySpan<int> Waiting(Step step)
    {
        if (_waiting.Length < step.Waiting.Count) Array.Resize(ref _waiting, step.Waiting.Count * 2);
        return _waiting.AsSpan(0, step.Waiting.CopyTo(_waiting));
    }

    // The step --------------------------------------------------------------------------------------------------------------

    /// <summary>Femtoseconds to the next deadline of an admitted one; <see cref="long.MaxValue"/> for none.</summary>
    private long Limit(Step step)
    {
        var first = long.MaxValue;
        for (var slot = step.FirstRunning; slot >= 0; slot = step.NextRunning(slot))
        {
            ref readonly var s = ref step[slot];
            if (_standing.Of(slot, in s) is not Standing.Admitted) continue;
            var due = s.Phase is SequencePhase.Prefilling
                ? _deadlines.OfPrompt(in s)
                : _deadlines.OfNextToken(in s, step.OutputTokens(slot));
            first = Math.Min(first, due.Ticks);
        }

        if (step.Waiting.Head is var head and >= 0 && step.Waiting.KeyOf(head) < BestEffortFrom)
            first = Math.Min(first, step.Waiting.KeyOf(head));
        if (first == long.MaxValue) return first;
        var ticks = first - _options.Margin.Ticks - step.Now.Ticks;
        return Math.Clamp(ticks, 0, TimeSpan.TicksPerHour) * EngineTime.FemtosecondsPerTick;
    }

    /// <summary>Chooses the decodes that get a token: all that must, and as many of the others as still leave time for the prompts
    /// of admitted ones.</summary>
    private void PlanDecodes(Step step, long limit)
    {
        ListBestEffort(step);
        _early.Clear();
        var shape = default(BatchShape);
        var end = limit == long.MaxValue ? long.MaxValue : step.Now.Ticks + limit / EngineTime.FemtosecondsPerTick;
        for (var slot = step.FirstRunning; slot >= 0; slot = step.NextRunning(slot))
        {
            ref readonly var s = ref step[slot];
            if (s.Phase is not (SequencePhase.Decoding or SequencePhase.Paused)) continue;
            if (_standing.Of(slot, in s) is not Standing.Admitted)
            {
                _early.Add((BestEffortFrom + s.Order, slot));
                continue;
            }

            var due = _deadlines.OfNextToken(in s, step.OutputTokens(slot));
            if (due != Instant.Never && due.Ticks - _deadlines.PaceOf(s.Request).Ticks >= end) _early.Add((due.Ticks, slot));
            else Take(step, slot, ref shape);
        }

        var isRecovery = limit != long.MaxValue && step.StepTime.StepTime(in shape) > limit;
        shape.PrefillTokens = isRecovery ? 0 : PromptsWanted(step, in shape, limit);
        _early.Sort(static (a, b) => a.CompareTo(b));
        foreach (var (_, slot) in _early)
        {
            var more = shape;
            Count(step, slot, ref more);
            var fits = !isRecovery && more.PrefillTokens + more.DecodeSequences <= step.Budget &&
                (limit == long.MaxValue || step.StepTime.StepTime(in more) <= limit);
            if (fits || (shape.DecodeSequences == 0 && shape.PrefillTokens == 0 && step.Prefilling.IsEmpty && step.Waiting.Count == 0))
                Take(step, slot, ref shape);
            else if (step[slot].Phase is SequencePhase.Decoding) step.Pause(slot);
        }
    }

    private static void Take(Step step, int slot, ref BatchShape shape)
    {
        if (step[slot].Phase is SequencePhase.Paused)
        {
            if (step.Running - step.Paused >= step.Limits.SequencesMax) return; // Somebody came back from elsewhere.
            step.Resume(slot);
        }

        Count(step, slot, ref shape);
    }

    /// <summary>Nobody could be served in time, or whoever should be cannot come in yet: then whoever is here.</summary>
    private void RunAnyone(Step step)
    {
        for (var slot = step.FirstRunning; slot >= 0; slot = step.NextRunning(slot))
            if (step[slot].Phase is SequencePhase.Paused && step.Running - step.Paused < step.Limits.SequencesMax) step.Resume(slot);
        while (!step.TryAdvanceDecodes()) GiveWay(step, Victim(step));
        FitAll(step);

        // Who came back from a tool may want blocks that only other admitted ones hold.
        while (step.Shape is { PrefillTokens: 0, DecodeSequences: 0 } && step.Running > 1)
        {
            GiveWay(step, step.LastRunning);
            FitAll(step);
        }
    }

    private void FitAll(Step step)
    {
        FitPrompts(step, long.MaxValue, Standing.Admitted);
        FitPrompts(step, long.MaxValue, Standing.BestEffort);
    }

    private static void Count(Step step, int slot, ref BatchShape shape)
    {
        shape.DecodeSequences++;
        shape.ContextTokens += step[slot].Request.PromptTokens + step.OutputTokens(slot);
    }

    /// <summary>Prompt tokens that admitted ones want of this step, as far as they fit.</summary>
    private int PromptsWanted(Step step, in BatchShape decodes, long limit)
    {
        var wanted = 0L;
        foreach (var slot in step.Prefilling)
            if (_standing.Of(slot, in step[slot]) is Standing.Admitted) wanted += step.BehindTokens(slot);
        if (step.Waiting.Head is var head and >= 0 && step.Waiting.KeyOf(head) < BestEffortFrom)
        {
            foreach (var slot in Waiting(step))
                if (step.Waiting.KeyOf(slot) < BestEffortFrom) wanted += step.BehindTokens(slot);
        }

        var most = (int)Math.Min(wanted, Math.Max(0, step.Budget - decodes.DecodeSequences));
        if (limit == long.MaxValue) return most;
        var (fits, exceeds) = (0, most + 1);
        while (exceeds - fits > 1)
        {
            var middle = fits + (exceeds - fits) / 2;
            if (step.StepTime.StepTime(decodes with { PrefillTokens = middle }) <= limit) fits = middle;
            else exceeds = middle;
        }

        return fits;
    }

    /// <summary>Prompts of one standing, as long as the step stays within its limit: those under way by deadline, then waiting
    /// ones.</summary>
    /// <returns>False when there is no time left.</returns>
    private bool FitPrompts(Step step, long limit, Standing standing)
    {
        // Recovery: the decodes are late already, and a short step would help nobody.
        var isRecovery = limit != long.MaxValue && step.TimeWith(0, 0) > limit && standing is Standing.Admitted;
        var mayAdmit = true; // Until the head of the queue finds no room; prompts under way go on.
        while (step.Budget > 0)
        {
            var slot = NextPrompt(step, standing, mayAdmit);
            if (slot < 0) return true;
            var isRunning = step[slot].Phase is SequencePhase.Prefilling;
            var computed = isRunning ? step.ComputedTokens(slot) : step.CachedTokens(slot);
            var tokens = Math.Min(step.Budget, step.BehindTokens(slot) - (isRunning ? 0 : computed));
            if (!isRecovery && limit != long.MaxValue) tokens = step.ChunkWithin(limit, computed, tokens);
            if (tokens <= 0)
            {
                // Never leave a step empty: whoever is left is late already, or the only one.
                if (step.Shape.PrefillTokens > 0 || step.Shape.DecodeSequences > 0) return false;
                tokens = step.Budget;
            }

            if (!isRunning && !TryMakeRoom(step, slot, tokens, standing))
            {
                mayAdmit = false;
                continue;
            }

            while (isRunning && !step.TryChunk(slot, tokens))
            {
                var victim = standing is Standing.Admitted ? LastBestEffort(step) : Victim(step);
                if (victim < 0 || victim == slot) return true;
                GiveWay(step, victim);
            }

            if (standing is Standing.BestEffort && !isRunning) _bestEffort.Add(slot);
            if (isRunning && step.BehindTokens(slot) > tokens) return false;
        }

        return false;
    }

    /// <summary>Admits a waiting one; for one that was promised something best-effort ones give way.</summary>
    private bool TryMakeRoom(Step step, int slot, int tokens, Standing standing)
    {
        while (!TryAdmit(step, slot, tokens))
        {
            var victim = standing is Standing.Admitted && !step.HasReturning ? LastBestEffort(step) : -1;
            if (victim < 0) return false;
            GiveWay(step, victim);
        }

        return true;
    }

    /// <summary>Those that skip steps keep their places.</summary>
    private static bool TryAdmit(Step step, int slot, int tokens) =>
        step.Running < step.Limits.SequencesMax && step.TryAdmit(slot, tokens, wholePrompt: true);

    /// <summary>The prompt under way or at the head of the queue that is due first and not in this step yet, or -1.</summary>
    private int NextPrompt(Step step, Standing standing, bool mayAdmit)
    {
        var (next, due) = (-1, long.MaxValue);
        foreach (var slot in step.Prefilling)
        {
            ref readonly var s = ref step[slot];
            if ((_standing.Of(slot, in s) is Standing.Admitted) != (standing is Standing.Admitted) || step.IsInStep(slot)) continue;
            var at = standing is Standing.Admitted ? _deadlines.OfPrompt(in s).Ticks : BestEffortFrom + s.Order;
            if (at < due) (next, due) = (slot, at);
        }

        var head = mayAdmit ? step.Waiting.Head : -1;
        if (head < 0 || (step.SomeoneGaveWay && standing is Standing.BestEffort && step.Running > 0)) return next;
        var key = step.Waiting.KeyOf(head);
        var isRight = standing is Standing.Admitted ? key < BestEffortFrom : key is >= BestEffortFrom and < NewFrom;
        return isRight && key < due ? head : next;
    }

    // Memory --------------------------------------------------------------------------------------------------------------

    private void ListBestEffort(Step step)
    {
        _bestEffort.Clear();
        for (var slot = step.FirstRunning; slot >= 0; slot = step.NextRunning(slot))
            if (_standing.Of(slot, in step[slot]) is not Standing.Admitted) _bestEffort.Add(slot);
    }

    private int LastBestEffort(Step step)
    {
        while (_bestEffort.Count > 0)
        {
            var slot = _bestEffort[^1];
            _bestEffort.RemoveAt(_bestEffort.Count - 1);
            if (step[slot].Phase is SequencePhase.Decoding or SequencePhase.Paused or SequencePhase.Prefilling) return slot;
        }

        return -1;
    }

    /// <summary>The best-effort sequence started last, else whoever was admitted last.</summary>
    private int Victim(Step step) => LastBestEffort(step) is var slot and >= 0 ? slot : step.LastRunning;

    private void GiveWay(Step step, int slot)
    {
        var wasAdmitted = _standing.Of(slot, in step[slot]) is Standing.Admitted;
        step.Preempt(slot);
        if (wasAdmitted) SetStanding(step, slot, Standing.Admitted);
    }
}
