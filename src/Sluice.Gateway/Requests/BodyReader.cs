namespace Sluice.Gateway;

/// <summary>Reads a request's body into one piece, within bounds: of one body, and of all together.</summary>
internal sealed class BodyReader(int bodyMax, long totalMax)
{
    /// <summary>Space that a body begins with where no length is announced.</summary>
    private const int FirstBytesUnknown = 4 << 10;

    private long _held;

    /// <summary>Bytes of all bodies that are held.</summary>
    public long Held => Interlocked.Read(ref _held);

    /// <summary>Give the space back with <see cref="Release"/> when the request is over.</summary>
    /// <returns>What is wrong, or null.</returns>
    public async ValueTask<(ReadOnlyMemory<byte> Body, ApiError? Error)> ReadAsync(HttpContext context)
    {
        var announced = context.Request.ContentLength;
        if (announced > bodyMax) return (default, TooLarge());
        using var body = new GrowingBody(announced ?? FirstBytesUnknown);
        var isDone = false;
        try
        {
            var reader = context.Request.BodyReader;
            while (announced is null || body.Length < announced)
            {
                var result = await reader.ReadAsync(context.RequestAborted).ConfigureAwait(false);
                var more = announced is null ? result.Buffer.Length : Math.Min(result.Buffer.Length, announced.Value - body.Length);
                var buffer = result.Buffer.Slice(0, more);
                var isTooLarge = body.Length + buffer.Length > bodyMax;
                if (isTooLarge || !TryHold(buffer.Length))
                {
                    reader.AdvanceTo(buffer.End); // So that the server can take in the rest.
                    return (default, isTooLarge ? TooLarge() : NoSpace());
                }

                body.Append(buffer);
                reader.AdvanceTo(buffer.End);
                if (result.IsCompleted) break;
            }

            isDone = announced is null || body.Length == announced;
            return isDone ? (body.Take(), null) : (default, ApiError.BadRequest("The body ended early.", code: "incomplete_body"));
        }
        finally
        {
            if (!isDone) Release(body.Length);
        }
    }

    public void Release(int bytes) => Interlocked.Add(ref _held, -bytes);

    private bool TryHold(long bytes)
    {
        if (Interlocked.Add(ref _held, bytes) <= totalMax) return true;
        Interlocked.Add(ref _held, -bytes);
        return false;
    }

    /// <summary>The connection is left open: the server takes in the rest for some seconds and forgets it, because a caller who is
    /// cut off while it sends sees a broken connection instead of the answer.</summary>
    private ApiError TooLarge() =>
        new(413, "invalid_request_error", "body_too_large", $"The body has more than {bodyMax} bytes, which is the limit.");

    private static ApiError NoSpace() => new(
        429, "rate_limit_error", "bodies_full", "The bodies of all waiting requests together have reached their limit.")
    {
        RetryAfter = TimeSpan.FromSeconds(1), ShouldRetry = true, DroppedReason = "rejected-saturated",
    };
}
