using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Just enough service just in time: every interval the batch is chosen anew, by value per remaining time, within a window of
/// like lengths.</summary>
/// <remarks>
/// Source: Zhang et al., "JITServe" (NSDI 2026; before as Tempo, arXiv 2504.20068) and its artifact. At a selection:
/// <list type="number">
/// <item>each sequence's length is bounded by a high quantile given what is out already, and gives its
/// <see cref="ValueDensity"/>; members of a program count together: their values over the longest of their times, every one's
/// time being the sum of all of theirs;</item>
/// <item>the best few per place are sorted by length, and the window of one batch with the greatest sum of densities is
/// chosen;</item>
/// <item>programs whose members in the window are too few for their deadline get more of them.</item>
/// </list>
/// Between selections the chosen run in the way of chunked prefill: decodes, then prompts by density, two tokens of each at least.
/// Others are displaced, a few per step, and keep their blocks while memory lasts; then they are swapped out, or recompute. While steps
/// take longer than the tightest promised pace, the batch is made smaller by as many. Ours: a sequence that can skip a whole
/// interval and still keep its pace may step back, which is the paper's "just enough" and not in its artifact; free places are
/// filled after a tenth of an interval and not at the next selection. O(n log n) per selection, O(running) per step, no allocation
/// once warm. Ties go to the shorter remaining time, then by submission.
/// </remarks>
public sealed class JitServe(JitServeOptions options, EngineContext context) : IIterationScheduler
{
    private const double FirstPace = 0.02; // A step, until one was seen [s].
    private const double StepBack = 1e-3;
    private const int PaceSteps = 10;

    private readonly ValueDensity _values = new(options.Penalty);
    private readonly TokenDeadlines _deadlines = new(options.Anchor, TimeSpan.FromMilliseconds(200), deviations: 0);
    private readonly SequenceStates<(int At, double Bound)> _bounds = new();
    private readonly SequenceStates<(int Selection, double Density)> _chosen = new();
    private readonly double[] _times = new double[PaceSteps];
    private Candidate[] _candidates = new Candidate[64];
    private double[] _window = new double[64];
    private int[] _slots = new int[64];
    private int _count;
    private int _selection;
    private int _steps;
    private int _selectedAt;
    private int _timed;
    private int _placesLess;
    private (double Density, int Slot)[] _order = new (double, int)[64];
    private int _hostBlocks = -1;
    private bool _isTight; // Host memory is: nobody is displaced.
    private double _tightest = double.PositiveInfinity; // promised pace [s]

    private record struct Candidate(int Slot, long Order, int Program, double Density, double Value, double Remaining, double Length);

    /// <summary>Selections depend on time.</summary>
    public bool IsStable => false;

    public IWaitingOrder WaitingOrder { get; } = new Unordered();

    /// <summary>Most places that were lost to a tight pace so far, for tests.</summary>
    public int PlacesLess => _placesLess;

    public void Compose(Step step)
    {
        var places = Places(step);
        var hasRoom = step.Waiting.Count + step.Paused + step.Swapped.Length > 0 && step.Running - step.Paused < places;
        if (_steps++ % options.Interval == 0 || (hasRoom && _steps - _selectedAt > options.Interval / 10))
        {
            Select(step, places);
            _selectedAt = _steps;
        }

        Displace(step);
        while (!step.TryAdvanceDecodes()) GiveUp(step, Worst(step, -1));
        FillPrompts(step);
        if (step.Shape is { DecodeSequences: 0, PrefillTokens: 0 }) FillAnyone(step);
        Time(step);
    }

    // Selection -----------------------------------------------------------------------------------------------------------

    private void Select(Step step, int places)
    {
        _selection++;
        List(step);
        Combine();
        Sort(0, _count, static (a, b) => (-a.Density, a.Remaining, a.Order).CompareTo((-b.Density, b.Remaining, b.Order)));
        var kept = (int)Math.Min(_count, Math.Max(places, options.Candidates * places));
        Sort(0, kept, static (a, b) => (a.Length, a.Order).CompareTo((b.Length, b.Order)));
        if (_window.Length < kept) Array.Resize(ref _window, kept * 2);
        for (var i = 0; i < kept; i++) _window[i] = _candidates[i].Density;
        var begin = LengthWindow.Best(_window.AsSpan(0, kept), places);
        var end = Math.Min(kept, begin + places);
        TopUp(step, ref begin, ref end);
        for (var i = 0; i < _count; i++)
        {
            ref var c = ref _candidates[i];
            _chosen.Set(c.Slot, in step[c.Slot], (i >= begin && i < end ? _selection : 0, c.Density));
        }
    }

    private void List(Step step)
    {
        _count = 0;
        var pace = Pace();
        var skip = options.Interval * pace;
        var total = step.Running + step.Waiting.Count + step.Swapped.Length;
        if (_candidates.Length < total) Array.Resize(ref _candidates, total * 2);
        if (_slots.Length < step.Waiting.Count) Array.Resize(ref _slots, step.Waiting.Count * 2);
        for (var slot = step.FirstRunning; slot >= 0; slot = step.NextRunning(slot)) Add(step, slot, pace, skip);
        foreach (var slot in step.Swapped) Add(step, slot, pace, skip);
        var waiting = step.Waiting.CopyTo(_slots);
        for (var i = 0; i < waiting; i++) Add(step, _slots[i], pace, skip);
    }

    private void Add(Step step, int slot, double pace, double skip)
    {
        ref readonly var s = ref step[slot];
        var (request, output) = (s.Request, step.OutputTokens(slot));
        var bound = BoundOf(slot, in s, output);
        var slo = request.Slo;
        var ttft = slo.Ttft == TimeSpan.MaxValue ? double.PositiveInfinity : slo.Ttft.TotalSeconds;
        var served = (step.Now - request.Arrival).TotalSeconds;
        var (value, remaining) = _values.Of(request.PromptTokens, output, bound, served, pace, ttft, EndOf(request, bound));
        var density = value / remaining;
        if (slo.Tpot != TimeSpan.MaxValue) _tightest = Math.Min(_tightest, slo.Tpot.TotalSeconds);
        if (options.IsJustInTime && output > 0 && slo.Tpot != TimeSpan.MaxValue &&
            _deadlines.OfNextToken(in s, output) is var due && due != Instant.Never && (due - step.Now).TotalSeconds > skip)
            density *= StepBack;
        _candidates[_count++] = new(slot, s.Order, request.Program, density, value, remaining, request.PromptTokens + bound);
    }

    /// <summary>When all of an answer is due, from arrival [s].</summary>
    private double EndOf(Request request, double bound)
    {
        var slo = request.Slo;
        var end = slo.E2e == TimeSpan.MaxValue ? double.PositiveInfinity : slo.E2e.TotalSeconds;
        if (request.Program >= 0 && (context.Lengths as JitLengths)?.StageDeadline(request) is { } stage) end = Math.Min(end, stage);
        if (slo.Tpot == TimeSpan.MaxValue) return end;
        var first = slo.Ttft == TimeSpan.MaxValue ? slo.Tpot.TotalSeconds : slo.Ttft.TotalSeconds;
        return Math.Min(end, first + slo.Tpot.TotalSeconds * (bound - 1));
    }

    private double BoundOf(int slot, in Sequence s, int output)
    {
        var (at, bound) = _bounds.Of(slot, in s);
        var isDue = bound <= 0 || output >= bound || output / options.RefineTokens > at / options.RefineTokens;
        if (!isDue) return bound;
        bound = context.Lengths?.Quantile(s.Request, s.Predicted, options.Quantile, output) ?? s.Predicted.Quantile(options.Quantile);
        if (bound <= output) bound = 1.5 * output;
        _bounds.Set(slot, in s, (output, bound));
        return bound;
    }

    /// <summary>Members of a program are one.</summary>
    private void Combine()
    {
        Sort(0, _count, static (a, b) => (a.Program, a.Order).CompareTo((b.Program, b.Order)));
        for (var i = 0; i < _count;)
        {
            var end = i + 1;
            while (end < _count && _candidates[end].Program == _candidates[i].Program) end++;
            if (_candidates[i].Program >= 0 && end - i > 1)
            {
                var (value, sum, longest) = (0.0, 0.0, 0.0);
                for (var j = i; j < end; j++)
                {
                    value += _candidates[j].Value;
                    sum += _candidates[j].Remaining;
                    longest = Math.Max(longest, _candidates[j].Remaining);
                }

                for (var j = i; j < end; j++)
                    (_candidates[j].Density, _candidates[j].Remaining) = (value / longest, sum);
            }

            i = end;
        }
    }

    /// <summary>Programs that are too few in the window for their deadline get more members, for the least valuable of others.</summary>
    private void TopUp(Step step, ref int begin, ref int end)
    {
        var interval = options.Interval * Pace();
        for (var i = begin; i < end; i++)
        {
            var program = _candidates[i].Program;
            if (program < 0) continue;
            var outside = NextOutside(program, begin, end);
            if (outside < 0) continue;

            // Tokens that the program needs in the interval, against what its members in the window can get.
            var (left, members, time) = (0.0, 0, double.PositiveInfinity);
            for (var j = 0; j < _count; j++)
            {
                if (_candidates[j].Program != program) continue;
                ref readonly var s = ref step[_candidates[j].Slot];
                var output = step.OutputTokens(_candidates[j].Slot);
                left += Math.Max(1, BoundOf(_candidates[j].Slot, in s, output) - output);
                if (j >= begin && j < end) members++;
                time = Math.Min(time, EndOf(s.Request, left + output) - (step.Now - s.Request.Arrival).TotalSeconds);
            }

            if (double.IsInfinity(time) || members * (double)options.Interval >= left / Math.Max(time, interval) * interval) continue;
            var least = Least(begin, end, program);
            if (least < 0) return;
            (_candidates[least], _candidates[outside]) = (_candidates[outside], _candidates[least]);
        }
    }

    private int NextOutside(int program, int begin, int end)
    {
        for (var j = 0; j < _count; j++)
            if ((j < begin || j >= end) && _candidates[j].Program == program) return j;
        return -1;
    }

    private int Least(int begin, int end, int except)
    {
        var least = -1;
        for (var j = begin; j < end; j++)
            if (_candidates[j].Program != except && (least < 0 || _candidates[j].Density < _candidates[least].Density)) least = j;
        return least;
    }

    private void Sort(int from, int count, Comparison<Candidate> comparison) => _candidates.AsSpan(from, count).Sort(comparison);

    // The step --------------------------------------------------------------------------------------------------------------

    /// <summary>Those not chosen leave the decodes, those chosen come back, a few in a step.</summary>
    private void Displace(Step step)
    {
        WatchHost(step);
        var left = _isTight ? 0 : options.SwapsMax;
        var back = 0;
        foreach (var slot in Swapped(step))
        {
            if (back == options.SwapsMax || !IsChosen(step, slot)) continue;
            if (step.TrySwapIn(slot, keepFree: step.Decoding + 1)) back++;
        }

        for (var slot = step.FirstRunning; slot >= 0; slot = step.NextRunning(slot))
        {
            var phase = step[slot].Phase;
            if (phase is SequencePhase.Decoding && left > 0 && !IsChosen(step, slot))
            {
                step.Pause(slot);
                left--;
            }
            else if (phase is SequencePhase.Paused && IsChosen(step, slot) && step.Running - step.Paused < step.Limits.SequencesMax)
            {
                step.Resume(slot);
            }
        }
    }

    private ReadOnlySpan<int> Swapped(Step step)
    {
        var swapped = step.Swapped;
        if (_slots.Length < swapped.Length) Array.Resize(ref _slots, swapped.Length * 2);
        swapped.CopyTo(_slots);
        return _slots.AsSpan(0, swapped.Length);
    }

    private void WatchHost(Step step)
    {
        if (_hostBlocks < 0) _hostBlocks = step.Cache.HostFreeBlocks;
        if (_hostBlocks == 0) return;
        var free = step.Cache.HostFreeBlocks / (double)_hostBlocks;
        _isTight = free < options.Watermark || (_isTight && free <= 2 * options.Watermark);
    }

    /// <summary>Prompts of the chosen by density: those under way, then those that wait.</summary>
    private void FillPrompts(Step step)
    {
        var count = 0;
        foreach (var slot in step.Prefilling)
            if (IsChosen(step, slot)) count = Insert(step, slot, count);
        var total = step.Waiting.Count;
        if (_slots.Length < total + count) Array.Resize(ref _slots, (total + count) * 2);
        if (step.Running - step.Paused < Places(step))
        {
            total = step.Waiting.CopyTo(_slots);
            for (var i = 0; i < total; i++)
                if (IsChosen(step, _slots[i])) count = Insert(step, _slots[i], count);
        }

        for (var i = 0; i < count && step.Budget > 0; i++)
        {
            var slot = _order[i].Slot;
            if (step[slot].Phase is SequencePhase.Prefilling)
            {
                var tokens = Math.Max(2, step.Budget - 2 * (count - 1 - i));
                while (!step.TryChunk(slot, tokens))
                {
                    // Two prompts that take each other's blocks in turn would go on for ever.
                    var victim = Worst(step, slot);
                    var givesWay = victim < 0 || IsWorthMore(step, victim, than: slot);
                    GiveUp(step, givesWay ? slot : victim);
                    if (givesWay) return;
                }
            }
            else if (step[slot].Phase is SequencePhase.Waiting)
            {
                while (!step.TryAdmit(slot, int.MaxValue))
                {
                    // Only those not chosen make room for those who are, and no prompt under way: it would never end where prompts
                    // take longer than a choice lasts.
                    var victim = Worst(step, slot);
                    if (victim < 0 || IsChosen(step, victim) || step[victim].Phase is SequencePhase.Prefilling) return;
                    GiveUp(step, victim);
                }
            }
        }
    }

    private int Insert(Step step, int slot, int count)
    {
        if (_order.Length == count) Array.Resize(ref _order, count * 2);
        var density = _chosen.Of(slot, in step[slot]).Density;
        var at = count;
        for (; at > 0 && _order[at - 1].Density < density; at--) _order[at] = _order[at - 1];
        _order[at] = (density, slot);
        return count + 1;
    }

    /// <summary>Nobody chosen can run: then whoever can.</summary>
    private void FillAnyone(Step step)
    {
        foreach (var slot in step.Prefilling)
            if (step.Budget > 0 && !step.TryChunk(slot, int.MaxValue)) break;
        while (step.Budget > 0 && step.Waiting.Head is var head and >= 0 && step.TryAdmit(head, int.MaxValue))
        {
        }

        if (step.Shape is not { DecodeSequences: 0, PrefillTokens: 0 }) return;
        foreach (var slot in Swapped(step))
            if (!step.TrySwapIn(slot)) break;
        for (var slot = step.FirstRunning; slot >= 0; slot = step.NextRunning(slot))
            if (step[slot].Phase is SequencePhase.Paused && step.Running - step.Paused < step.Limits.SequencesMax) step.Resume(slot);
        while (!step.TryAdvanceDecodes()) GiveUp(step, FirstPaused(step) is var paused and >= 0 ? paused : Worst(step, -1));
        foreach (var slot in step.Prefilling)
            if (step.Budget > 0 && !step.IsInStep(slot) && !step.TryChunk(slot, int.MaxValue)) break;

        // Prompts under way hold all the memory: the first goes on at the others' expense.
        while (step.Shape is { DecodeSequences: 0, PrefillTokens: 0 } && !step.Prefilling.IsEmpty)
        {
            var first = step.Prefilling[0];
            if (step.TryChunk(first, int.MaxValue)) return;
            var victim = Worst(step, first);
            GiveUp(step, victim >= 0 ? victim : first);
        }
    }

    private static int FirstPaused(Step step)
    {
        var slot = step.FirstRunning;
        while (slot >= 0 && step[slot].Phase is not SequencePhase.Paused) slot = step.NextRunning(slot);
        return slot;
    }

    private bool IsChosen(Step step, int slot) => _chosen.Of(slot, in step[slot]).Selection == _selection;

    /// <summary>Whoever holds blocks and is worth least, of those not chosen first; never <paramref name="except"/>; -1 for
    /// none.</summary>
    private int Worst(Step step, int except)
    {
        var (worst, least) = (-1, double.PositiveInfinity);
        for (var slot = step.FirstRunning; slot >= 0; slot = step.NextRunning(slot))
        {
            if (slot == except) continue;
            var (selection, density) = _chosen.Of(slot, in step[slot]);
            var rank = selection == _selection ? density : density - 1e18;
            if (rank < least || (rank == least && step[slot].Order > step[worst].Order)) (worst, least) = (slot, rank);
        }

        return worst;
    }

    private bool IsWorthMore(Step step, int slot, int than) =>
        IsChosen(step, slot) && _chosen.Of(slot, in step[slot]).Density > _chosen.Of(than, in step[than]).Density;

    private static void GiveUp(Step step, int slot)
    {
        if (!step.TrySwapOut(slot)) step.Preempt(slot);
    }

    private int Places(Step step)
    {
        var max = step.Limits.SequencesMax;
        return Math.Max(Math.Min(max, 4), max - _placesLess);
    }

    private double Pace()
    {
        if (_timed == 0) return FirstPace;
        var sum = 0.0;
        var count = Math.Min(_timed, PaceSteps);
        for (var i = 0; i < count; i++) sum += _times[i];
        return sum / count;
    }

    /// <summary>Remembers how long the step will take, and whether steps are too long for the tightest pace.</summary>
    private void Time(Step step)
    {
        _times[_timed++ % PaceSteps] = step.StepTime.StepTime(in step.Shape) * 1e-15;
        if (_timed % PaceSteps != 0 || double.IsInfinity(_tightest)) return;
        var pace = Pace();
        if (pace > _tightest) _placesLess = Math.Min(_placesLess + options.SwapsMax, step.Limits.SequencesMax);
        else if (pace < 0.9 * _tightest) _placesLess = Math.Max(0, _placesLess - options.SwapsMax);
    }
}
