using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>Chat completions, completions and embeddings: read what matters, run it, pass everything else through.</summary>
internal sealed class GenerationEndpoints : IEndpoints
{
    public void Map(IEndpointRouteBuilder routes, GatewayServices gateway)
    {
        Map("/v1/chat/completions", UpstreamApi.ChatCompletions);
        Map("/v1/completions", UpstreamApi.Completions);
        Map("/v1/embeddings", UpstreamApi.Embeddings);

        void Map(string path, UpstreamApi api) => routes.MapPost(path, context => HandleAsync(context, gateway, api));
    }

    private static async Task HandleAsync(HttpContext context, GatewayServices gateway, UpstreamApi api)
    {
        var id = gateway.Ids.Of(context.Request);
        context.Response.Headers[AnswerHeaders.RequestId] = id;
        if (gateway.Callers.Find(context, out var refusal) is not { } caller)
        {
            await refusal!.WriteAsync(context).ConfigureAwait(false);
            return;
        }

        var (body, unreadable) = await gateway.Bodies.ReadAsync(context).ConfigureAwait(false);
        if (unreadable is not null)
        {
            gateway.Callers.TurnedAway(caller);
            await unreadable.WriteAsync(context).ConfigureAwait(false);
            return;
        }

        try
        {
            await RunAsync(context, gateway, api, caller, body, id).ConfigureAwait(false);
        }
        finally
        {
            gateway.Bodies.Release(body.Length);
        }
    }

    private static async Task RunAsync(
        HttpContext context, GatewayServices gateway, UpstreamApi api, Caller caller, ReadOnlyMemory<byte> body, string id)
    {
        if (!BodyFacts.TryRead(body.Span, out var facts, out var problem) ||
            (problem = gateway.Describe(
                api, body, in facts, context.Request.Headers, caller, id, out var call, out var urgency)) is not null)
        {
            gateway.Callers.TurnedAway(caller);
            await problem!.WriteAsync(context).ConfigureAwait(false);
            return;
        }

        var live = gateway.Loop.Create(call!);
        var className = gateway.Options.Classes[urgency.Class].Name;
        LiveOutcome outcome;
        bool hasBegun;
        if (facts.IsStream)
        {
            var answer = new StreamAnswer(context, live, className, facts.WantsUsage);
            outcome = await live.RunAsync(answer, context.RequestAborted).ConfigureAwait(false);
            Account();
            if (outcome.IsCompleted) await answer.CompleteAsync(outcome).ConfigureAwait(false);
            else if (answer.HasBegun) await answer.FailAsync(LiveErrors.Of(live, outcome)).ConfigureAwait(false);
            hasBegun = answer.HasBegun;
        }
        else if (call!.Stream)
        {
            var answer = new GatheredAnswer();
            outcome = await live.RunAsync(answer, context.RequestAborted).ConfigureAwait(false);
            Account();
            if (outcome.IsCompleted)
                await new WholeAnswer(context, live, className).OnDataAsync(answer.ToJson(outcome), 0, default).ConfigureAwait(false);
            hasBegun = outcome.IsCompleted;
        }
        else
        {
            var answer = new WholeAnswer(context, live, className);
            outcome = await live.RunAsync(answer, context.RequestAborted).ConfigureAwait(false);
            Account();
            hasBegun = answer.HasBegun;
        }

        if (hasBegun || context.RequestAborted.IsCancellationRequested) return;
        AnswerHeaders.WriteRefused(context.Response, live, className);
        await LiveErrors.Of(live, outcome, urgency.IsOwnPatience).WriteAsync(context).ConfigureAwait(false);

        // Before its caller has the end of the answer, and asks for the next.
        void Account()
        {
            if (outcome.IsCompleted && outcome.Call.PromptTokens > 0)
                gateway.Tokens.Learn(live.Call.Model, facts.PromptBytes, outcome.PromptTokens);
            gateway.Callers.Ended(caller, outcome);
        }
    }
}
