namespace Sluice.Core;

/// <summary>Told how far behind its reader a request's answer fell, when the request leaves an engine.</summary>
public interface IReaderLagSink
{
    /// <param name="lagTicks">Greatest lateness of one of the tokens this engine produced [100 ns ticks]; negative when each
    /// came early; <see cref="long.MinValue"/> when there was none.</param>
    void OnLag(RequestId request, long lagTicks);
}

/// <summary>How late tokens come for a reader who takes them in at a steady pace: token i of an answer is due at arrival +
/// promised TTFT + pace·(i − 1), and what counts is the latest token, which is how long the reader idled in all.</summary>
/// <remarks>
/// Source: Wang et al., "Revisiting Service Level Objectives and System Level Metrics in LLM Serving" (arXiv 2410.14257),
/// equations 5 and 9; the clock begins at arrival, so that holding tokens back gains nothing. Sequences that decode are not
/// visited: all of them get a token at each step of the decoding set's clock c, so the latest token of one is the greatest
/// time(c) − pace·c since it joined, less a constant of its own. Those suffix maxima are kept as a falling stack: O(1) per
/// step, O(log steps) when a sequence leaves. A stretch of steps at a time is exact, because its times are convex in c, so
/// that the greatest value of any tail is at one of its ends.
/// </remarks>
public sealed class ReaderLag
{
    private const int TrimAt = 1024;

    /// <summary>Suffix maxima: clocks rise, values fall strictly.</summary>
    private readonly List<(long Clock, long Value)> _stack = new(2 * TrimAt);
    private int _trimAt = TrimAt;
    private IReaderLagSink? _sink;
    private long _pace;

    /// <param name="pace">Time in which the reader takes one token in.</param>
    public void Listen(IReaderLagSink sink, TimeSpan pace)
    {
        Check.That(pace > TimeSpan.Zero);
        (_sink, _pace) = (sink, pace.Ticks);
    }

    internal bool IsOn => _sink is not null;

    /// <summary>More steps are remembered than may be needed: <see cref="ForgetBefore"/> is due.</summary>
    internal bool IsFull => _stack.Count >= _trimAt;

    /// <summary>Lateness of one token.</summary>
    /// <param name="output">Its position in the answer, from 1.</param>
    internal long Of(Request request, long output, EngineTime at) => at.Ticks - Due(request, output);

    /// <summary>The decoding set took steps: the first of them ended at <paramref name="first"/> and the last at
    /// <paramref name="last"/>.</summary>
    /// <param name="clock">Of the decoding set, before them.</param>
    internal void Advance(long clock, long steps, EngineTime first, EngineTime last)
    {
        Push(clock + 1, first.Ticks);
        if (steps > 1) Push(clock + steps, last.Ticks);
    }

    /// <summary>Lateness of the latest token that a member of the decoding set got.</summary>
    /// <param name="outputOffset">Its output tokens less the set's clock.</param>
    /// <returns><see cref="long.MinValue"/> if it got none.</returns>
    internal long Since(long joinedAtClock, Request request, long outputOffset)
    {
        var (low, high) = (0, _stack.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_stack[middle].Clock > joinedAtClock) high = middle;
            else low = middle + 1;
        }

        return low == _stack.Count ? long.MinValue : _stack[low].Value - Due(request, outputOffset);
    }

    internal void ForgetBefore(long oldestJoin)
    {
        var keep = 0;
        while (keep < _stack.Count && _stack[keep].Clock <= oldestJoin) keep++;
        _stack.RemoveRange(0, keep);
        _trimAt = Math.Max(TrimAt, _stack.Count * 2);
    }

    internal void Tell(RequestId request, long lag) => _sink?.OnLag(request, lag);

    private void Push(long clock, long ticks)
    {
        var value = ticks - _pace * clock;
        while (_stack.Count > 0 && _stack[^1].Value <= value) _stack.RemoveAt(_stack.Count - 1);
        _stack.Add((clock, value));
    }

    /// <summary>When nothing was promised, the first token is due after the time of one token.</summary>
    private long Due(Request request, long output)
    {
        var first = request.Slo.Ttft == TimeSpan.MaxValue ? _pace : request.Slo.Ttft.Ticks;
        return request.Arrival.Ticks + first + _pace * (output - 1);
    }
}
