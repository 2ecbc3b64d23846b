using System.Text;

namespace Sluice.Upstreams;

/// <summary>One answer on its way from an engine to a sink.</summary>
internal sealed class CallRun(
    HttpUpstreamOptions options, UpstreamCall call, CallBody body, IAnswerSink sink, CallWatch.Watched watch)
{
    private const int GarbageBytesShown = 200;

    private AnswerScan _usage;
    private bool _hasUsage;
    private bool _hasFinish;

    public UpstreamCall Call => call;
    public CallBody Body => body;

    /// <summary>HTTP status, 0 before there is one.</summary>
    public int Status { get; private set; }

    /// <summary>Output tokens handed on.</summary>
    public int Tokens { get; private set; }

    /// <summary>What is thrown now is thrown by the sink.</summary>
    public bool IsInSink { get; private set; }

    public Task<CallOutcome> ReadAsync(HttpResponseMessage response)
    {
        Status = (int)response.StatusCode;
        BoundedBody.RefuseEncoded(response.Content);
        return call.Stream && call.Api != UpstreamApi.Embeddings ? StreamAsync(response) : WholeAsync(response);
    }

    private async Task<CallOutcome> WholeAsync(HttpResponseMessage response)
    {
        using var whole = await BoundedBody.ReadAsync(response.Content, options.AnswerBytesMax, watch.Token).ConfigureAwait(false);
        if (!AnswerScan.TryScan(whole.Memory.Span, out var scan)) return Garbage(whole.Memory);
        if (scan.HasError) return Fault(whole.Memory, in scan);
        if (call.Api != UpstreamApi.Embeddings && !scan.HasChoices) return Garbage(whole.Memory);
        if (scan.IsAborted) return Aborted();

        (_usage, _hasUsage) = (scan, scan.HasUsage);
        await HandOnAsync(whole.Memory, scan).ConfigureAwait(false);
        return Done();
    }

    private async Task<CallOutcome> StreamAsync(HttpResponseMessage response)
    {
        using var stream = await response.Content.ReadAsStreamAsync(watch.Token).ConfigureAwait(false);
        using var reader = new SseReader(stream, options.EventBytesMax);
        while (true)
        {
            while (reader.TryTake(out var data))
                if (await TakeAsync(data).ConfigureAwait(false) is { } end) return end;
            if (reader.Bytes > options.AnswerBytesMax)
                throw new InvalidDataException($"a stream of more than {options.AnswerBytesMax:N0} bytes");
            if (!await reader.FillAsync(watch.Token).ConfigureAwait(false)) break;
        }

        if (reader.TryTakeRest(out var rest) && await TakeAsync(rest).ConfigureAwait(false) is { } last) return last;
        return _hasFinish ? Done() : Broken("the stream broke off");
    }

    /// <returns>How the call ended, if this event says so.</returns>
    private async ValueTask<CallOutcome?> TakeAsync(ReadOnlyMemory<byte> data)
    {
        if (data.Span.SequenceEqual("[DONE]"u8)) return Done();
        if (!AnswerScan.TryScan(data.Span, out var scan)) return Garbage(data);
        if (scan.HasError) return Fault(data, in scan);
        if (scan.IsAborted) return Aborted();

        if (scan.HasUsage) (_usage, _hasUsage) = (scan, true);
        _hasFinish |= scan.HasFinish;
        if (scan.IsUsageOnly && !body.WantsUsage) return null;

        var joined = body.Seam is { IsOpen: true } seam ? seam.Join(data, in scan) : data;
        await HandOnAsync(joined, scan).ConfigureAwait(false);
        return null;
    }

    private async ValueTask HandOnAsync(ReadOnlyMemory<byte> json, AnswerScan scan)
    {
        watch.Pause();
        Tokens += scan.Tokens;
        IsInSink = true;
        await sink.OnDataAsync(json, scan.Tokens, watch.Token).ConfigureAwait(false);
        IsInSink = false;
        if (scan.Tokens > 0 || scan.HasFinish) watch.Expect(options.TokenGapMax);
        else watch.Continue();
    }

    private CallOutcome Done() => new(
        CallEnd.Completed, Status, _hasUsage ? _usage.PromptTokens : -1,
        _hasUsage && _usage.OutputTokens >= 0 ? _usage.OutputTokens : Tokens, "");

    /// <summary>An error where an answer was due. Before the first token it may be the request's own fault.</summary>
    private CallOutcome Fault(ReadOnlyMemory<byte> json, in AnswerScan scan)
    {
        var end = Tokens == 0 && scan.ErrorStatus >= 400 ? ErrorStatus.ToEnd(scan.ErrorStatus) : CallEnd.Broken;
        return new(end, end == CallEnd.Broken ? Status : scan.ErrorStatus, -1, Tokens, Head(json));
    }

    private CallOutcome Garbage(ReadOnlyMemory<byte> data) =>
        Broken($"not an answer of the OpenAI API: {Head(data[..Math.Min(GarbageBytesShown, data.Length)])}");

    private CallOutcome Aborted() => Broken("it dropped the request");

    private CallOutcome Broken(string why) => new(CallEnd.Broken, Status, -1, Tokens, $"{options.Name}: {why}");

    private string Head(ReadOnlyMemory<byte> data) =>
        Encoding.UTF8.GetString(data.Span[..Math.Min(options.ErrorBytesMax, data.Length)]);
}
