namespace Sluice.Core;

/// <summary>Answers that call tools in their middle.</summary>
public sealed partial class EngineCore
{
    private bool CanEverHold(Request request, int outputLimit, ToolCall[]? calls)
    {
        if (calls is not null && !_cache.GrowsWhileDecoding) return false;
        var tokens = request.PromptTokens + outputLimit;
        foreach (var call in calls ?? []) tokens += call.ResponseTokens;
        return _cache.CanEverHold(request, tokens);
    }

    /// <summary>A batch that retires together does not wait for tools: whoever calls one leaves it.</summary>
    private void BeginCall(int slot, ref Sequence s)
    {
        var handling = _scheduler.RetiresTogether ? CallHandling.Recompute : _scheduler.HandleCall(_step, slot);
        _step.BeginCall(slot, ref s, handling, _end.Instant);
        Emit(EventKind.CallBegan, in s, s.Output);
    }

    private void EndCalls(Instant now)
    {
        for (var slot = _step.EndCall(now); slot >= 0; slot = _step.EndCall(now))
        {
            ref var s = ref _table[slot];
            var call = s.Calls![s.CallsMade - 1];
            _scheduler.OnCallEnded(in s, in call);
            _sink.Emit(new(now, s.Request.Id, Id, call.ResponseTokens, EventKind.CallEnded));
        }
    }
}
