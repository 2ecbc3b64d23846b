using System.Globalization;

namespace Sluice.Gateway;

/// <summary>A tenant's limits of requests and tokens per minute.</summary>
/// <remarks>A request's prompt is reserved as it comes, by its length; when it is over, what it really took is settled. So
/// requests that run at the same time cannot all spend the same rest.</remarks>
internal sealed class TenantLimits(long? requestsPerMinute, long? tokensPerMinute, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly RateBucket? _requests = requestsPerMinute is { } requests ? new(requests, time) : null;
    private readonly RateBucket? _tokens = tokensPerMinute is { } tokens ? new(tokens, time) : null;

    public bool IsOf(long? requests, long? tokens) => (requestsPerMinute, tokensPerMinute) == (requests, tokens);

    /// <summary>Takes a request in, or says when it is worth trying again. Says in the headers where the limits stand.</summary>
    /// <param name="tokens">To reserve.</param>
    public ApiError? Enter(long tokens, IHeaderDictionary headers)
    {
        lock (_gate)
        {
            var error = Wait(_requests, 1, "requests") ?? Wait(_tokens, tokens, "tokens");
            if (error is null)
            {
                _requests?.Take(1);
                _tokens?.Take(tokens);
            }

            Write(headers, _requests, "requests");
            Write(headers, _tokens, "tokens");
            return error;
        }
    }

    /// <summary>A request is over.</summary>
    public void Settle(long reserved, long used)
    {
        lock (_gate) _tokens?.Take(used - reserved);
    }

    private static ApiError? Wait(RateBucket? bucket, long amount, string what)
    {
        if (bucket is null || bucket.Until(amount) is var wait && wait <= TimeSpan.Zero) return null;
        return new(
            429, what, "rate_limit_exceeded",
            string.Create(
                CultureInfo.InvariantCulture,
                $"The limit of {bucket.Limit} {what} per minute is reached. Try again in {RateBucket.Text(wait)}."))
        {
            RetryAfter = wait, ShouldRetry = true, DroppedReason = "rejected-saturated",
        };
    }

    private static void Write(IHeaderDictionary headers, RateBucket? bucket, string what)
    {
        if (bucket is null) return;
        headers[$"x-ratelimit-limit-{what}"] = bucket.Limit.ToString(CultureInfo.InvariantCulture);
        headers[$"x-ratelimit-remaining-{what}"] = bucket.Remaining.ToString(CultureInfo.InvariantCulture);
        headers[$"x-ratelimit-reset-{what}"] = RateBucket.Text(bucket.Reset);
    }
}
