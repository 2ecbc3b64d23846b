using Sluice.Core;

namespace Sluice.Policies;

/// <summary>What comes next of an answer: tokens up to a call or the end, then the call.</summary>
/// <param name="Output">Predicted tokens of it that are still to come, at least 1.</param>
/// <param name="Seconds">Predicted time of the tool; 0 when no call follows.</param>
/// <param name="Response">Predicted tokens of the tool's answer.</param>
internal readonly record struct Segment(double Output, bool EndsInCall, double Seconds, double Response);

/// <summary>Predicts segments: which tool comes next is read off the prompt [S], how long it takes is the average of its kind.</summary>
internal sealed class Segments(LampsOptions options, EngineContext context)
{
    /// <summary>Of a tool that was never seen [I].</summary>
    private const double SecondsAtFirst = 1, ResponseAtFirst = 32;

    private readonly Rng _rng = context.Rng.Fork("segments");
    private readonly Dictionary<int, (int Count, double Seconds, double Response)> _seen = [];

    public Segment Next(in Sequence s, int outputTokens)
    {
        var calls = context.TrueCalls?.Invoke(s.Request);
        if (calls is null || s.CallsMade >= calls.Length)
            return new(Math.Max(1, s.Predicted.Mean - outputTokens), EndsInCall: false, 0, 0);
        var call = calls[s.CallsMade];
        var output = Math.Max(1, (call.After - outputTokens) * Noise(in s));
        if (!options.Averages) return new(output, EndsInCall: true, call.Duration.TotalSeconds, call.ResponseTokens);
        return _seen.TryGetValue(call.Tool, out var seen)
            ? new(output, EndsInCall: true, seen.Seconds / seen.Count, seen.Response / seen.Count)
            : new(output, EndsInCall: true, SecondsAtFirst, ResponseAtFirst);
    }

    public void Observe(in ToolCall call)
    {
        var (count, seconds, response) = _seen.GetValueOrDefault(call.Tool);
        _seen[call.Tool] = (count + 1, seconds + call.Duration.TotalSeconds, response + call.ResponseTokens);
    }

    /// <summary>From the request's own stream, so that it does not depend on who else is there.</summary>
    private double Noise(in Sequence s)
    {
        if (options.LengthSigma == 0) return 1;
        var own = _rng.Fork("length", s.Request.Id.Value, (ulong)s.CallsMade);
        return Math.Exp(own.NextNormal(options.LengthSigma));
    }
}
