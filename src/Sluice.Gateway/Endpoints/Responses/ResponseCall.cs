using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>The call of an engine that a request of the Responses API becomes.</summary>
internal static class ResponseCall
{
    /// <returns>What is wrong with the request, or null.</returns>
    public static ApiError? Describe(
        IHeaderDictionary headers, GatewayServices gateway, Caller caller, ResponseRequest request, string id, out LiveCall? call,
        out Urgency urgency)
    {
        (call, urgency) = (null, default);
        var chat = request.ToChat();
        if (!BodyFacts.TryRead(chat, out var facts, out var problem)) return problem;
        if (request.IsBackground) caller = caller with { Class = caller.Class ?? SloClasses.Background };
        facts = facts with { IsStream = request.IsStream };
        var wrong = gateway.Describe(
            UpstreamApi.ChatCompletions, chat, in facts, headers, caller, id, out call, out urgency);
        if (wrong is not null) return wrong;
        call = call! with { Stream = true };
        if (!request.IsBackground) return null;

        // Nobody waits on the line: how long the client waits for one answer says nothing of this one.
        var byClass = gateway.Options.Classes[urgency.Class];
        call = call with { QueueMax = byClass.QueueMax, Slo = byClass.Slo, Refuses = false };
        return null;
    }
}
