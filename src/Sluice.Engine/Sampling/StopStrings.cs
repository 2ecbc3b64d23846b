using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Looks for stop texts in an answer as it comes, whatever tokens they are spread over, and holds back what may be the
/// beginning of one.</summary>
/// <remarks>The answer stops at the first character that completes a stop; of those completed there the longest counts. Each
/// character is looked at once per stop (Knuth, Morris and Pratt).</remarks>
internal sealed class StopStrings
{
    private readonly string[] _stops;
    private readonly int[][] _failures;
    private readonly int[] _matched;
    private readonly bool _includes;
    private char[] _held = new char[64];
    private int _start;
    private int _end;

    /// <param name="includes">The stop is part of the answer.</param>
    public StopStrings(IReadOnlyList<string> stops, bool includes)
    {
        _stops = [.. stops];
        _failures = Array.ConvertAll(_stops, Failures);
        _matched = new int[_stops.Length];
        _includes = includes;
    }

    /// <summary>The text that is settled with these characters; good until the next call.</summary>
    /// <param name="isStopped">A stop is complete: the answer ends with the settled text.</param>
    public ReadOnlySpan<char> Push(ReadOnlySpan<char> text, out bool isStopped)
    {
        MakeRoom(text.Length);
        var begin = _start;
        foreach (var c in text)
        {
            _held[_end++] = c;
            if (Match(c) is not (> 0 and var length)) continue;

            isStopped = true;
            _start = _end;
            return _held.AsSpan(begin, _end - begin - (_includes ? 0 : length));
        }

        isStopped = false;
        var longest = 0;
        foreach (var matched in _matched) longest = Math.Max(longest, matched);
        _start = _end - longest;
        return _held.AsSpan(begin, _start - begin);
    }

    /// <summary>At the end of an answer that no stop ended: what was held back.</summary>
    public ReadOnlySpan<char> Finish()
    {
        var rest = _held.AsSpan(_start, _end - _start);
        _start = _end;
        return rest;
    }

    public void Clear()
    {
        Array.Clear(_matched);
        (_start, _end) = (0, 0);
    }

    /// <returns>Length of the stop that this character completes, 0 if none.</returns>
    private int Match(char c)
    {
        var completed = 0;
        for (var i = 0; i < _stops.Length; i++)
        {
            var stop = _stops[i];
            var matched = _matched[i];
            while (matched > 0 && stop[matched] != c) matched = _failures[i][matched - 1];
            if (stop[matched] == c) matched++;
            if (matched == stop.Length)
            {
                completed = Math.Max(completed, matched);
                matched = _failures[i][matched - 1];
            }

            _matched[i] = matched;
        }

        return completed;
    }

    private void MakeRoom(int letters)
    {
        _held.AsSpan(_start, _end - _start).CopyTo(_held);
        (_start, _end) = (0, _end - _start);
        if (_end + letters > _held.Length) Array.Resize(ref _held, 2 * (_end + letters));
    }

    /// <summary>For every beginning of a stop, the longest proper end of it that is also a beginning.</summary>
    private static int[] Failures(string stop)
    {
        Check.That(stop.Length > 0);
        var failures = new int[stop.Length];
        for (int i = 1, matched = 0; i < stop.Length; i++)
        {
            while (matched > 0 && stop[matched] != stop[i]) matched = failures[matched - 1];
            if (stop[matched] == stop[i]) matched++;
            failures[i] = matched;
        }

        return failures;
    }
}
