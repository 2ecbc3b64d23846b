using System.Globalization;
using System.Security.Cryptography;

namespace Sluice.Gateway;

/// <summary>The id that correlates one request everywhere: the caller's own if it is decent, else a new one.</summary>
internal sealed class RequestIds
{
    private const int LengthMax = 128;

    private readonly string _prefix =
        "req_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));

    private long _last;

    public string Of(HttpRequest request)
    {
        var given = request.Headers[AnswerHeaders.RequestId];
        return given.Count == 1 && given[0] is { Length: > 0 and <= LengthMax } id && IsDecent(id) ? id : Next();
    }

    public string Next() => string.Create(CultureInfo.InvariantCulture, $"{_prefix}{Interlocked.Increment(ref _last):x8}");

    /// <summary>Visible ASCII, so that it fits into a log line and a header.</summary>
    private static bool IsDecent(string id)
    {
        foreach (var c in id)
            if (c is <= ' ' or > '~' or '"' or '\\') return false;
        return true;
    }
}
