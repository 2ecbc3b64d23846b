using System.Buffers;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>Sends an answer that comes in one piece, as its engine wrote it.</summary>
internal sealed class WholeAnswer(HttpContext context, LiveRequest live, string className) : IAnswerSink
{
    /// <summary>A larger answer is sent as soon as it is there, so that no caller who reads slowly has it held [bytes].</summary>
    private const int HeldMax = 64 << 10;

    public bool HasBegun { get; private set; }

    public async ValueTask OnDataAsync(ReadOnlyMemory<byte> json, int tokens, CancellationToken cancel)
    {
        HasBegun = true;
        json = ServiceTiers.Put(json, live.Call.ServiceTier);
        var response = context.Response;
        response.ContentType = "application/json";
        response.ContentLength = json.Length;
        AnswerHeaders.Write(response, live, className);
        response.BodyWriter.Write(json.Span); // The server sends it when the request is over, and accounted for.
        if (json.Length > HeldMax) await response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }
}
