namespace Sluice.Upstreams;

/// <summary>What an engine's HTTP status means for whoever called it.</summary>
internal static class ErrorStatus
{
    /// <remarks>429, 503 and 529 (Dynamo) say that it has no room. 401, 403 and 407 are about our own key or network, and 408,
    /// 409 and 425 about this one attempt; of other client errors, the caller is to hear.</remarks>
    /// <param name="isSaid">It comes with an error in JSON, as engines write them and the proxies before them do not.</param>
    public static CallEnd ToEnd(int status, bool isSaid) => status switch
    {
        429 or 503 or 529 => CallEnd.Busy,
        401 or 403 or 407 or 408 or 409 or 425 => CallEnd.Broken,
        >= 400 and < 499 => CallEnd.Refused,
        >= 500 when isSaid => CallEnd.Failed,
        _ => CallEnd.Broken,
    };
}
