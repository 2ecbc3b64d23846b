using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Sluice.Upstreams;

/// <summary>The connections to one engine.</summary>
internal sealed class EngineHttp : IDisposable
{
    private readonly HttpMessageInvoker _invoker;
    private readonly string _root;
    private readonly AuthenticationHeaderValue? _key;

    public EngineHttp(HttpUpstreamOptions options, TimeProvider time, HttpMessageHandler? handler)
    {
        (Options, Time) = (options, time);
        _root = RootOf(options.Address);
        _key = options.ApiKey is null ? null : new("Bearer", options.ApiKey);
        _invoker = new HttpMessageInvoker(handler ?? new SocketsHttpHandler
        {
            ConnectTimeout = options.ConnectMax,
            MaxResponseHeadersLength = options.HeaderKibibytesMax,
            MaxResponseDrainSize = 0, // A call given up is hung up on, which is how engines learn of it.
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            AutomaticDecompression = DecompressionMethods.None,
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ActivityHeadersPropagator = null,
        });
    }

    public HttpUpstreamOptions Options { get; }
    public TimeProvider Time { get; }

    /// <summary>How often something is asked again that takes a while.</summary>
    public TimeSpan PollEvery { get; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Sends a request and returns when the answer's headers are there.</summary>
    public Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, HttpContent? content, string? requestId, CancellationToken cancel)
    {
        var request = new HttpRequestMessage(method, _root + path) { Content = content };
        if (_key is not null) request.Headers.Authorization = _key;
        if (requestId is not null) request.Headers.TryAddWithoutValidation("X-Request-Id", requestId);
        return _invoker.SendAsync(request, cancel);
    }

    public Task<ControlAnswer> GetAsync(string path, CancellationToken cancel) => ControlAsync(HttpMethod.Get, path, null, cancel);

    public Task<ControlAnswer> PostAsync(string path, string json, CancellationToken cancel, TimeSpan? within = null) =>
        ControlAsync(HttpMethod.Post, path, json, cancel, within);

    public void Dispose() => _invoker.Dispose();

    /// <summary>A small question with a small answer.</summary>
    /// <returns>Status 0 if there is no usable answer in time.</returns>
    private async Task<ControlAnswer> ControlAsync(
        HttpMethod method, string path, string? json, CancellationToken cancel, TimeSpan? within = null)
    {
        using var inTime = new CancellationTokenSource(within ?? Options.ControlMax, Time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel, inTime.Token);
        try
        {
            var content = json is null ? null : new EditedBody([Encoding.UTF8.GetBytes(json)]);
            using var response = await SendAsync(method, path, content, null, stop.Token).ConfigureAwait(false);
            using var body = await BoundedBody.ReadAsync(response.Content, Options.ControlBytesMax, stop.Token).ConfigureAwait(false);
            return new((int)response.StatusCode, body.Memory.ToArray());
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return default;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or InvalidDataException)
        {
            return default;
        }
    }

    private static string RootOf(Uri address)
    {
        var root = address.GetLeftPart(UriPartial.Path).TrimEnd('/');
        return root.EndsWith("/v1", StringComparison.Ordinal) ? root[..^3] : root;
    }
}

/// <summary>An answer to a control call.</summary>
/// <param name="Status">0 for no answer.</param>
internal readonly record struct ControlAnswer(int Status, byte[] Body)
{
    public bool IsOk => Status is >= 200 and < 300;

    /// <summary>The body as a JSON object; null if the call failed or it is none.</summary>
    public JsonElement? Json() => Parse() is { ValueKind: JsonValueKind.Object } json ? json : null;

    /// <summary>The body as a list of JSON objects; null if the call failed or it is none.</summary>
    public IReadOnlyList<JsonElement>? JsonList() => Parse() is { ValueKind: JsonValueKind.Array } list
        ? [.. list.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.Object)]
        : null;

    private JsonElement? Parse()
    {
        if (!IsOk) return null;
        try
        {
            using var document = JsonDocument.Parse(Body);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
