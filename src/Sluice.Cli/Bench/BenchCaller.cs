using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Sluice.Core;
using Sluice.Upstreams;

namespace Sluice.Cli;

/// <summary>Sends one request at a time and takes the times of its answer.</summary>
public sealed class BenchCaller : IDisposable
{
    private const int EventBytesMax = 1 << 20;
    private const int ErrorCharsMax = 400;

    private readonly BenchOptions _options;
    private readonly HttpMessageInvoker _invoker;
    private readonly string _root;

    public BenchCaller(BenchOptions options)
    {
        _options = options;
        var root = options.Address.GetLeftPart(UriPartial.Path).TrimEnd('/');
        _root = root.EndsWith("/v1", StringComparison.Ordinal) ? root : root + "/v1";
        _invoker = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(10),
            UseProxy = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
        });
    }

    /// <summary>The first model that the server lists.</summary>
    /// <exception cref="InputException">It does not answer or lists none.</exception>
    public async Task<string> FirstModelAsync(CancellationToken cancel)
    {
        try
        {
            using var request = Message(HttpMethod.Get, "/models", null);
            using var response = await _invoker.SendAsync(request, cancel);
            var body = await response.Content.ReadAsStringAsync(cancel);
            if (!response.IsSuccessStatusCode)
                throw new InputException($"--url {_options.Address}: {(int)response.StatusCode}: {Head(body)}");
            using var json = JsonDocument.Parse(body);
            foreach (var model in json.RootElement.GetProperty("data").EnumerateArray())
                if (model.GetProperty("id").GetString() is { } name) return name;
        }
        catch (HttpRequestException e)
        {
            throw new InputException($"--url {_options.Address}: nobody answers: {e.Message}");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new InputException($"--url {_options.Address}: /v1/models is not a list of models; is this an OpenAI server?");
        }

        throw new InputException($"--url {_options.Address}: it lists no model; name one with --model.");
    }

    /// <param name="body">From <see cref="Body"/>.</param>
    /// <param name="request">Of the workload.</param>
    /// <param name="call">Gets the times.</param>
    /// <param name="onToken">Told of each token, with the time since the one before it [ms]; NaN for the first.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<BenchCall> CallAsync(
        byte[] body, Request request, BenchCall call, Action<int, double> onToken, CancellationToken cancel)
    {
        call.TtftMilliseconds = call.E2elMilliseconds = call.ExpectedWaitMilliseconds = call.WaitMilliseconds = double.NaN;
        var start = Stopwatch.GetTimestamp();
        try
        {
            using var message = Message(HttpMethod.Post, _options.IsChat ? "/chat/completions" : "/completions", body);
            Promise(message.Headers, request.Slo);
            using var response = await _invoker.SendAsync(message, cancel);
            call.ExpectedWaitMilliseconds = Number(response.Headers, "x-sluice-expected-wait-ms");
            call.WaitMilliseconds = Number(response.Headers, "x-sluice-queue-wait-ms");
            if (!response.IsSuccessStatusCode)
            {
                call.Error = $"{(int)response.StatusCode}: {Head(await response.Content.ReadAsStringAsync(cancel))}";
                return call;
            }

            using var stream = await response.Content.ReadAsStreamAsync(cancel);
            return await ReadAsync(stream, start, call, onToken, cancel);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or InvalidDataException)
        {
            call.Error = e.InnerException?.Message ?? e.Message;
            return call;
        }
    }

    /// <summary>A request's body; made before its time comes, so that making it delays nobody.</summary>
    public byte[] Body(Request request, int outputTokens, int blockTokens)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("model"u8, _options.Model);
            var text = PromptText.Of(request, blockTokens);
            if (_options.IsChat)
            {
                json.WriteStartArray("messages"u8);
                json.WriteStartObject();
                json.WriteString("role"u8, "user"u8);
                json.WriteString("content"u8, text);
                json.WriteEndObject();
                json.WriteEndArray();
            }
            else
            {
                json.WriteString("prompt"u8, text);
            }

            json.WriteNumber("max_tokens"u8, outputTokens);
            json.WriteNumber("temperature"u8, 0);
            if (_options.IgnoreEos) json.WriteBoolean("ignore_eos"u8, true);
            json.WriteBoolean("stream"u8, true);
            json.WriteStartObject("stream_options"u8);
            json.WriteBoolean("include_usage"u8, true);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    public void Dispose() => _invoker.Dispose();

    private static async Task<BenchCall> ReadAsync(
        Stream stream, long start, BenchCall call, Action<int, double> onToken, CancellationToken cancel)
    {
        using var reader = new SseReader(stream, EventBytesMax);
        var (counted, last, isDone) = (0, double.NaN, false);
        do
        {
            while (reader.TryTake(out var data))
            {
                if (data.Span.SequenceEqual("[DONE]"u8))
                {
                    isDone = true;
                    continue;
                }

                if (!AnswerScan.TryScan(data.Span, out var scan) || scan.HasError)
                {
                    call.Error = Head(Encoding.UTF8.GetString(data.Span));
                    return call;
                }

                isDone |= scan.HasFinish;
                if (scan is { HasUsage: true, OutputTokens: >= 0 })
                    (call.PromptTokens, call.OutputTokens) = (scan.PromptTokens, scan.OutputTokens);
                if (scan.Tokens == 0) continue;
                var now = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                if (counted == 0) call.TtftMilliseconds = now;
                onToken(scan.Tokens, now - last);
                counted += scan.Tokens;
                last = now;
            }
        }
        while (await reader.FillAsync(cancel));

        call.E2elMilliseconds = last;
        if (call.OutputTokens == 0) call.OutputTokens = counted;
        if (!isDone) call.Error = "the stream broke off";
        else if (counted == 0) call.Error = "an answer without a token";
        return call;
    }

    private HttpRequestMessage Message(HttpMethod method, string path, byte[]? body)
    {
        var message = new HttpRequestMessage(method, _root + path);
        if (body is not null)
        {
            message.Content = new ByteArrayContent(body);
            message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        if (_options.ApiKey is { } key) message.Headers.Authorization = new("Bearer", key);
        return message;
    }

    /// <summary>Sluice's own spelling and the one that other gateways know.</summary>
    private static void Promise(HttpRequestHeaders headers, Slo slo)
    {
        Add(slo.Ttft, "x-sluice-ttft-ms", "x-llm-d-slo-ttft-ms");
        Add(slo.Tpot, "x-sluice-tpot-ms", "x-llm-d-slo-tpot-ms");
        Add(slo.E2e, "x-sluice-e2e-ms");

        void Add(TimeSpan limit, params ReadOnlySpan<string> names)
        {
            if (limit == TimeSpan.MaxValue) return;
            var value = ((long)Math.Max(1, limit.TotalMilliseconds)).ToString(CultureInfo.InvariantCulture);
            foreach (var name in names) headers.TryAddWithoutValidation(name, value);
        }
    }

    private static double Number(HttpResponseHeaders headers, string name) =>
        headers.TryGetValues(name, out var values) &&
        double.TryParse(values.First(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : double.NaN;

    private static string Head(string text) =>
        text[..Math.Min(ErrorCharsMax, text.Length)].ReplaceLineEndings(" ");
}
