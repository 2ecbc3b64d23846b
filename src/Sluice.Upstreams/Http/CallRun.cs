using System.Text;

namespace Sluice.Upstreams;

/// <summary>One answer on its way from an engine to a sink.</summary>
internal sealed class CallRun(
    HttpUpstreamOptions options, UpstreamCall call, CallBody body, IAnswerSink sink, CallWatch.Watched watch)
{
    private const int GarbageBytesShown = 200;

    private readonly EventForm _form = new();
    private readonly JoinedText? _joined = sink.JoinsText ? new() : null;
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
            await HandOnJoinedAsync().ConfigureAwait(false); // What is there is not held back for more.
            if (reader.Bytes > options.AnswerBytesMax)
                throw new InvalidDataException($"a stream of more than {options.AnswerBytesMax:N0} bytes");
            if (!await reader.FillAsync(watch.Token).ConfigureAwait(false)) break;
        }

        if (reader.TryTakeRest(out var rest) && await TakeAsync(rest).ConfigureAwait(false) is { } last) return last;
        await HandOnJoinedAsync().ConfigureAwait(false);
        return _hasFinish ? Done() : Broken("the stream broke off");
    }

    /// <returns>How the call ended, if this event says so.</returns>
    private ValueTask<CallOutcome?> TakeAsync(ReadOnlyMemory<byte> data)
    {
        var isKnown = _form.TryMatch(data.Span, out var scan);
        if (!isKnown || !scan.IsPlainText || body.Seam is { IsOpen: true }) return TakeAsync(data, isKnown, scan);
        if (_joined is null) return Nothing(HandOnAsync(data, scan));
        _joined.Add(_form, data.Span, in scan);
        return default;
    }

    private static ValueTask<CallOutcome?> Nothing(ValueTask handOn)
    {
        return handOn.IsCompletedSuccessfully ? default : WaitAsync(handOn);

        static async ValueTask<CallOutcome?> WaitAsync(ValueTask handOn)
        {
            await handOn.ConfigureAwait(false);
            return null;
        }
    }

    private async ValueTask<CallOutcome?> TakeAsync(ReadOnlyMemory<byte> data, bool isKnown, AnswerScan scan)
    {
        var isRead = isKnown || AnswerScan.TryScan(data.Span, out scan);
        if (isRead && _joined is not null && scan.IsPlainText && body.Seam is not { IsOpen: true } && _form.Fits(data.Span, in scan))
        {
            _joined.Add(_form, data.Span, in scan);
            return null;
        }

        await HandOnJoinedAsync().ConfigureAwait(false);
        if (data.Span.SequenceEqual("[DONE]"u8)) return Done();
        if (!isRead) return Garbage(data);
        if (scan.HasError) return Fault(data, in scan);
        if (scan.IsAborted) return Aborted();

        if (scan.HasUsage) (_usage, _hasUsage) = (scan, true);
        _hasFinish |= scan.HasFinish;
        if (scan.IsUsageOnly && !body.WantsUsage) return null;
        _form.Learn(data.Span, in scan);
        if (body.Seam is { IsOpen: true } seam && scan.HasText)
        {
            var tokens = scan.Tokens;
            data = seam.Join(data, in scan);
            if (!AnswerScan.TryScan(data.Span, out scan)) return Garbage(data);
            scan.Tokens = tokens;
        }

        await HandOnAsync(data, scan).ConfigureAwait(false);
        return null;
    }

    private ValueTask HandOnJoinedAsync()
    {
        if (_joined is null || _joined.IsEmpty) return default;
        var (json, scan) = _joined.Take(_form);
        return HandOnAsync(json, scan);
    }

    private async ValueTask HandOnAsync(ReadOnlyMemory<byte> json, AnswerScan scan)
    {
        watch.Pause();
        Tokens += scan.Tokens;
        IsInSink = true;
        if (call.Stream) await sink.OnEventAsync(json, scan, watch.Token).ConfigureAwait(false);
        else await sink.OnDataAsync(json, scan.Tokens, watch.Token).ConfigureAwait(false);
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
        var end = Tokens == 0 && scan.ErrorStatus >= 400 ? ErrorStatus.ToEnd(scan.ErrorStatus, isSaid: true) : CallEnd.Broken;
        return new(end, end == CallEnd.Broken ? Status : scan.ErrorStatus, -1, Tokens, Head(json));
    }

    private CallOutcome Garbage(ReadOnlyMemory<byte> data) =>
        Broken($"not an answer of the OpenAI API: {Head(data[..Math.Min(GarbageBytesShown, data.Length)])}");

    private CallOutcome Aborted() => Broken("it dropped the request");

    private CallOutcome Broken(string why) => new(CallEnd.Broken, Status, -1, Tokens, $"{options.Name}: {why}");

    private string Head(ReadOnlyMemory<byte> data) =>
        Encoding.UTF8.GetString(data.Span[..Math.Min(options.ErrorBytesMax, data.Length)]);
}
