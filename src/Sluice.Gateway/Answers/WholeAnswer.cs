using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>Sends an answer that comes in one piece, as its engine wrote it.</summary>
internal sealed class WholeAnswer(HttpContext context, LiveRequest live, string className) : IAnswerSink
{
    public bool HasBegun { get; private set; }

    public async ValueTask OnDataAsync(ReadOnlyMemory<byte> json, int tokens, CancellationToken cancel)
    {
        HasBegun = true;
        json = ServiceTiers.Put(json, live.Call.ServiceTier);
        var response = context.Response;
        response.ContentType = "application/json";
        response.ContentLength = json.Length;
        AnswerHeaders.Write(response, live, className);
        await response.BodyWriter.WriteAsync(json, context.RequestAborted).ConfigureAwait(false);
    }
}
