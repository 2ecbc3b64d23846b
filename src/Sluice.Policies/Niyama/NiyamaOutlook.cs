using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Looks over everybody waiting now and then: how high the load is, and whose hint says that it should step
/// back.</summary>
/// <remarks>
/// The paper gives alpha's ends and not the law between them, and says that low importance steps back first, not when. Here
/// alpha rises with the time that waiting prompts take, from a quarter of the tightest promised TTFT to all of it, in steps of an
/// eighth so that places change seldom; and low importance steps back as soon as walking through the queue at the present rate
/// finds an important request late. O(n log n) every <see cref="Every"/> steps.
/// </remarks>
internal sealed class NiyamaOutlook(NiyamaOptions options, NiyamaDeadlines deadlines)
{
    /// <summary>Steps between two looks.</summary>
    private const int Every = 8;

    private const int Levels = 8;
    private const double LowLoad = 0.25, HighLoad = 1;

    private int[] _waiting = new int[64];
    private (long Key, int Slot)[] _order = new (long, int)[64];
    private int _steps;
    private int _level;
    private long _tightest = long.MaxValue;

    /// <summary>Looks, if it is time.</summary>
    /// <param name="rate">Prompt tokens per second.</param>
    /// <param name="relegate">Called with those that step back.</param>
    public void Look(Step step, double rate, long relegatedFrom, Action<Step, int> relegate)
    {
        if (step.Waiting.Count == 0 || _steps++ % Every != 0) return;
        if (_waiting.Length < step.Waiting.Count)
        {
            Array.Resize(ref _waiting, step.Waiting.Count * 2);
            Array.Resize(ref _order, step.Waiting.Count * 2);
        }

        var (count, tokens, isMixed) = List(step, relegatedFrom);
        SetAlpha(step, count, tokens / rate);
        if (options.TakesHints && isMixed) StepBack(step, count, rate, relegate);
    }

    /// <returns>Waiting and not relegated: how many, their tokens, and whether there are both more and less important
    /// ones.</returns>
    private (int Count, long Tokens, bool IsMixed) List(Step step, long relegatedFrom)
    {
        var (count, low) = (0, 0);
        var tokens = 0L;
        var all = step.Waiting.CopyTo(_waiting);
        for (var i = 0; i < all; i++)
        {
            var slot = _waiting[i];
            var key = step.Waiting.KeyOf(slot);
            if (key >= relegatedFrom) continue;
            var request = step[slot].Request;
            if (request.Slo.Ttft != TimeSpan.MaxValue) _tightest = Math.Min(_tightest, request.Slo.Ttft.Ticks);
            if (request.Priority > 0) low++;
            tokens += step.BehindTokens(slot);
            _order[count++] = (key, slot);
        }

        return (count, tokens, low > 0 && low < count);
    }

    private void SetAlpha(Step step, int count, double backlogSeconds)
    {
        var load = _tightest == long.MaxValue ? 0 : backlogSeconds * TimeSpan.TicksPerSecond / _tightest;
        var level = (int)Math.Round((Levels - 1) * Math.Clamp((load - LowLoad) / (HighLoad - LowLoad), 0, 1));
        if (level == _level) return;

        _level = level;
        var alpha = options.AlphaLow + (options.AlphaHigh - options.AlphaLow) * level / (Levels - 1);
        deadlines.Alpha = alpha * TimeSpan.TicksPerSecond;
        for (var i = 0; i < count; i++)
        {
            var slot = _order[i].Slot;
            _order[i].Key = deadlines.KeyOf(in step[slot], step.BehindTokens(slot));
            step.Waiting.SetKey(slot, _order[i].Key);
        }
    }

    /// <summary>Finds the first important request that would be late, and has those of low importance ahead of it step back,
    /// last first, until it is not.</summary>
    private void StepBack(Step step, int count, double rate, Action<Step, int> relegate)
    {
        _order.AsSpan(0, count).Sort(static (a, b) => (a.Key, a.Slot).CompareTo((b.Key, b.Slot)));
        var seconds = 0.0;
        for (var i = 0; i < count; i++)
        {
            ref readonly var s = ref step[_order[i].Slot];
            seconds += step.BehindTokens(_order[i].Slot) / rate;
            if (s.Request.Priority > 0) continue;
            var due = deadlines.OfPrompt(in s);
            if (due == Instant.Never) continue;
            var late = seconds - (due - step.Now).TotalSeconds;
            if (late <= 0) continue;

            for (var j = i - 1; j >= 0 && late > 0; j--)
            {
                var slot = _order[j].Slot;
                if (step[slot].Request.Priority <= 0) continue;
                late -= step.BehindTokens(slot) / rate;
                relegate(step, slot);
            }

            return;
        }
    }
}
