using System.IO.Pipelines;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>Sends an answer as server-sent events, each as it comes; nothing is held back.</summary>
internal sealed class StreamAnswer(HttpContext context, LiveRequest live, string className, bool wantsUsage) : IAnswerSink
{
    private bool _sentUsage;

    public bool HasBegun { get; private set; }

    public ValueTask OnDataAsync(ReadOnlyMemory<byte> json, int tokens, CancellationToken cancel)
    {
        Begin();
        var sent = SendAsync(ServiceTiers.Put(json, live.Call.ServiceTier).Span, context.RequestAborted);
        return sent.IsCompletedSuccessfully ? ValueTask.CompletedTask : WaitAsync(sent);

        static async ValueTask WaitAsync(ValueTask<FlushResult> sent) => await sent.ConfigureAwait(false);
    }

    public ValueTask OnEventAsync(ReadOnlyMemory<byte> json, AnswerScan scan, CancellationToken cancel)
    {
        if (scan.IsUsageOnly && !wantsUsage) return ValueTask.CompletedTask; // We asked for it, the caller did not.
        _sentUsage |= scan.IsUsageOnly;
        return OnDataAsync(json, scan.Tokens, cancel);
    }

    /// <summary>The end of a complete answer.</summary>
    public async Task CompleteAsync(LiveOutcome outcome)
    {
        Begin();
        if (wantsUsage && !_sentUsage) Write(UsageChunk.Of(live, outcome));
        Write("[DONE]"u8);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>The end of an answer that cannot go on; the caller's client raises it as an error.</summary>
    public async Task FailAsync(ApiError error) => await SendAsync(error.ToJson(), context.RequestAborted).ConfigureAwait(false);

    private void Begin()
    {
        if (HasBegun) return;
        HasBegun = true;
        var response = context.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
        response.Headers["x-accel-buffering"] = "no";
        AnswerHeaders.Write(response, live, className);
    }

    private ValueTask<FlushResult> SendAsync(ReadOnlySpan<byte> json, CancellationToken cancel)
    {
        Write(json);
        return context.Response.BodyWriter.FlushAsync(cancel);
    }

    private void Write(ReadOnlySpan<byte> json)
    {
        var writer = context.Response.BodyWriter;
        var span = writer.GetSpan(json.Length + 8);
        "data: "u8.CopyTo(span);
        json.CopyTo(span[6..]);
        "\n\n"u8.CopyTo(span[(6 + json.Length)..]);
        writer.Advance(json.Length + 8);
    }
}
