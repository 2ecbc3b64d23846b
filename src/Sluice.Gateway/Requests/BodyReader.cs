using System.Buffers;

namespace Sluice.Gateway;

/// <summary>Reads a request's body into one piece, within bounds: of one body, and of all together.</summary>
internal sealed class BodyReader(int bodyMax, long totalMax)
{
    /// <summary>Space that a body begins with, whatever length it announces: who sends slowly holds what was sent, and not what
    /// was announced.</summary>
    private const int FirstBytes = 64 << 10;

    /// <summary>The same where no length is announced.</summary>
    private const int FirstBytesUnknown = 4 << 10;

    private long _held;

    /// <summary>Bytes of all bodies that are held.</summary>
    public long Held => Interlocked.Read(ref _held);

    /// <summary>Give the space back with <see cref="Release"/> when the request is over.</summary>
    /// <returns>What is wrong, or null.</returns>
    public async ValueTask<(ReadOnlyMemory<byte> Body, ApiError? Error)> ReadAsync(HttpContext context)
    {
        var announced = context.Request.ContentLength;
        if (announced > bodyMax) return (default, TooLarge(context));
        var most = (int)(announced ?? bodyMax);
        var body = announced == 0 ? [] : GC.AllocateUninitializedArray<byte>(
            (int)Math.Min(announced ?? FirstBytesUnknown, FirstBytes));
        var (done, isDone) = (0, false);
        try
        {
            var reader = context.Request.BodyReader;
            while (announced is null || done < announced)
            {
                var result = await reader.ReadAsync(context.RequestAborted).ConfigureAwait(false);
                var buffer = announced is null ? result.Buffer : result.Buffer.Slice(0, Math.Min(result.Buffer.Length, most - done));
                if (done + buffer.Length > bodyMax) return (default, TooLarge(context));
                if (!TryHold(buffer.Length)) return (default, NoSpace());
                var end = done + (int)buffer.Length;
                if (end > body.Length) Array.Resize(ref body, (int)Math.Max(end, Math.Min(most, body.Length * 2L)));
                buffer.CopyTo(body.AsSpan(done));
                done = end;
                reader.AdvanceTo(buffer.End);
                if (result.IsCompleted) break;
            }

            isDone = announced is null || done == announced;
            return isDone
                ? (body.AsMemory(0, done), null)
                : (default, ApiError.BadRequest("The body ended early.", code: "incomplete_body"));
        }
        finally
        {
            if (!isDone) Release(done);
        }
    }

    public void Release(int bytes) => Interlocked.Add(ref _held, -bytes);

    private bool TryHold(long bytes)
    {
        if (Interlocked.Add(ref _held, bytes) <= totalMax) return true;
        Interlocked.Add(ref _held, -bytes);
        return false;
    }

    private ApiError TooLarge(HttpContext context)
    {
        context.Response.Headers.Connection = "close"; // Nobody reads the rest of it.
        return new(413, "invalid_request_error", "body_too_large", $"The body has more than {bodyMax} bytes, which is the limit.");
    }

    private static ApiError NoSpace() => new(
        429, "rate_limit_error", "bodies_full", "The bodies of all waiting requests together have reached their limit.")
    {
        RetryAfter = TimeSpan.FromSeconds(1), ShouldRetry = true, DroppedReason = "rejected-saturated",
    };
}
