using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Distribution of answer lengths from answers that ended and answers that go on.</summary>
/// <remarks>
/// While a queue builds, answers that end are short: the long ones that began with them still run. Each length has a rate of
/// ending, the number that ended there by the number that came so far, running ones included; the distribution follows from
/// the rates. Of those longer than all that ended, a constant rate of ending is assumed, ended answers by tokens produced.
/// Lengths are taken together in steps of 3 %; how far a running answer is is known about as well as that, so it counts for
/// its own step and half for the next. O(1) per answer, O(steps) per estimate; nothing is allocated.
/// Source: Kaplan and Meier (1958), in the form of a life table.
/// </remarks>
internal sealed class AnswerLengths
{
    private const int Steps = 512; // to 4 million tokens
    private const double Width = 0.03; // of a step, in the logarithm

    private readonly long[] _ended = new long[Steps];
    private readonly double[] _tokens = new double[Steps]; // of those that ended
    private readonly double[] _squares = new double[Steps];
    private readonly int[] _running = new int[Steps];
    private double _endedTokens, _runningTokens;

    public long Ended { get; private set; }

    public void End(int tokens)
    {
        var step = StepOf(tokens);
        _ended[step]++;
        _tokens[step] += tokens;
        _squares[step] += (double)tokens * tokens;
        _endedTokens += tokens;
        Ended++;
    }

    /// <summary>Forgets who runs.</summary>
    public void BeginRunning()
    {
        Array.Clear(_running);
        _runningTokens = 0;
    }

    /// <summary>An answer that goes on.</summary>
    /// <param name="tokens">So far.</param>
    public void AddRunning(double tokens)
    {
        _running[StepOf(tokens)]++;
        _runningTokens += tokens;
    }

    /// <summary>Mean and variance of a whole answer. Some must have ended.</summary>
    /// <param name="longestPossible">What callers allow [tokens].</param>
    public TokenEstimate Estimate(double longestPossible)
    {
        var came = Ended; // ended or running at this length or beyond
        foreach (var running in _running) came += running;

        var (left, mean, square, longest) = (1.0, 0.0, 0.0, 0.0);
        for (var i = 0; i < Steps && came > 0; i++)
        {
            if (_ended[i] > 0)
            {
                var ending = left * (_ended[i] / (came + (i > 0 ? _running[i - 1] / 2.0 : 0)));
                mean += ending * (_tokens[i] / _ended[i]);
                square += ending * (_squares[i] / _ended[i]);
                longest = _tokens[i] / _ended[i];
                left -= ending;
            }

            came -= _ended[i] + _running[i];
        }

        if (left > 1e-9)
        {
            var more = (_endedTokens + _runningTokens) / Ended;
            var tail = Math.Max(longest, Math.Min(longest + more, longestPossible));
            mean += left * tail;
            square += left * (tail * tail + (tail < longestPossible ? more * more : 0));
        }

        return new(mean, Math.Max(0, square - mean * mean));
    }

    private static int StepOf(double tokens) => (int)Math.Clamp(Math.Log(Math.Max(1, tokens)) / Width, 0, Steps - 1);
}
