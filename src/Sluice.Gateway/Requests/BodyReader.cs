using System.Buffers;

namespace Sluice.Gateway;

/// <summary>Reads a request's body into one piece, within bounds: of one body, and of all together.</summary>
internal sealed class BodyReader(int bodyMax, long totalMax)
{
    /// <summary>Space that a body of unknown length begins with.</summary>
    private const int FirstBytes = 4096;

    private long _held;

    /// <summary>Bytes of all bodies that are held.</summary>
    public long Held => Interlocked.Read(ref _held);

    /// <summary>Give the space back with <see cref="Release"/> when the request is over.</summary>
    /// <returns>What is wrong, or null.</returns>
    public async ValueTask<(ReadOnlyMemory<byte> Body, ApiError? Error)> ReadAsync(HttpContext context)
    {
        if (context.Request.ContentLength is { } length)
        {
            if (length > bodyMax) return (default, TooLarge(context));
            if (!TryHold(length)) return (default, NoSpace());
            var body = length == 0 ? [] : GC.AllocateUninitializedArray<byte>((int)length);
            var done = 0;
            try
            {
                done = await FillAsync(context, body).ConfigureAwait(false);
            }
            finally
            {
                if (done < length) Release((int)length);
            }

            return done == length ? (body, null) : (default, ApiError.BadRequest("The body ended early.", code: "incomplete_body"));
        }

        return await ReadUnknownAsync(context).ConfigureAwait(false);
    }

    public void Release(int bytes) => Interlocked.Add(ref _held, -bytes);

    private static async ValueTask<int> FillAsync(HttpContext context, byte[] body)
    {
        var reader = context.Request.BodyReader;
        var done = 0;
        while (done < body.Length)
        {
            var result = await reader.ReadAsync(context.RequestAborted).ConfigureAwait(false);
            var buffer = result.Buffer;
            var take = buffer.Slice(0, Math.Min(buffer.Length, body.Length - done));
            take.CopyTo(body.AsSpan(done));
            done += (int)take.Length;
            reader.AdvanceTo(take.End);
            if (result.IsCompleted) break;
        }

        return done;
    }

    private async ValueTask<(ReadOnlyMemory<byte>, ApiError?)> ReadUnknownAsync(HttpContext context)
    {
        var reader = context.Request.BodyReader;
        var body = GC.AllocateUninitializedArray<byte>(FirstBytes);
        var (done, held, isDone) = (0, 0, false);
        try
        {
            while (true)
            {
                var result = await reader.ReadAsync(context.RequestAborted).ConfigureAwait(false);
                var buffer = result.Buffer;
                if (done + buffer.Length > bodyMax) return (default, TooLarge(context));
                if (!TryHold(buffer.Length)) return (default, NoSpace());
                held += (int)buffer.Length;
                if (done + buffer.Length > body.Length)
                    Array.Resize(ref body, (int)Math.Max(done + buffer.Length, Math.Min(bodyMax, body.Length * 2L)));
                buffer.CopyTo(body.AsSpan(done));
                done += (int)buffer.Length;
                reader.AdvanceTo(buffer.End);
                if (!result.IsCompleted) continue;
                isDone = true;
                return (body.AsMemory(0, done), null);
            }
        }
        finally
        {
            if (!isDone) Release(held);
        }
    }

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
