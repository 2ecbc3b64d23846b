using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Counts of one group while the log is walked once.</summary>
internal struct GroupTally
{
    private long _requests, _finished, _failed, _rejected, _cancelled, _unfinished, _met;
    private long _promptTokens, _outputTokens, _metOutputTokens, _servedTokens;
    private double _normalizedSeconds, _worth, _idleSeconds;
    private long _smooth;
    private Slo _slo;
    private bool _slosDiffer;

    public void Add(RequestLog log, Request request, int i, bool met, double idleSeconds, double worth)
    {
        if (_requests++ == 0) _slo = request.Slo;
        else _slosDiffer |= _slo != request.Slo;

        _idleSeconds += idleSeconds;
        _worth += worth;
        if (idleSeconds == 0 && log.Outcome[i] == Outcome.Finished) _smooth++;
        _outputTokens += log.OutputTokens[i];
        switch (log.Outcome[i])
        {
            case Outcome.Finished: AddFinished(log, request, i, met); break;
            case Outcome.Failed: _failed++; break;
            case Outcome.Rejected: _rejected++; break;
            case Outcome.Cancelled: _cancelled++; break;
            case Outcome.Unfinished: _unfinished++; break;
            default: throw new InvariantException($"unmapped {log.Outcome[i]}");
        }
    }

    public readonly GroupSummary ToSummary(string name, in Latencies latencies) => new()
    {
        Name = name,
        Requests = _requests,
        Finished = _finished,
        Failed = _failed,
        Rejected = _rejected,
        Cancelled = _cancelled,
        Unfinished = _unfinished,
        Met = _met,
        PromptTokens = _promptTokens,
        OutputTokens = _outputTokens,
        MetOutputTokens = _metOutputTokens,
        ServedTokens = _servedTokens,
        Smooth = _smooth,
        SmoothWorth = _worth,
        IdleSeconds = _requests == 0 ? double.NaN : _idleSeconds / _requests,
        Slo = _requests == 0 || _slosDiffer ? null : _slo,
        Ttft = latencies.Ttft,
        Tpot = latencies.Tpot,
        E2e = latencies.E2e,
        Queue = latencies.Queue,
        NormalizedLatency = _finished == 0 ? double.NaN : _normalizedSeconds / _finished,
    };

    private void AddFinished(RequestLog log, Request request, int i, bool met)
    {
        var output = log.OutputTokens[i];
        Check.That(output >= 1);
        Check.That(log.FirstToken[i] >= log.Arrival[i]);
        Check.That(log.Ended[i] >= log.FirstToken[i]);

        _finished++;
        _promptTokens += request.PromptTokens;
        _servedTokens += request.PromptTokens + output;
        _normalizedSeconds += (log.Ended[i] - log.Arrival[i]) / (double)TimeSpan.TicksPerSecond / output;
        if (!met) return;

        _met++;
        _metOutputTokens += output;
    }
}
