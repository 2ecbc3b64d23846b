using System.Globalization;

namespace Sluice.Gateway;

/// <summary>What the queue knows of an answer, as headers.</summary>
internal static class AnswerHeaders
{
    public const string RequestId = "x-request-id";

    public static void Write(HttpResponse response, LiveRequest live, string className)
    {
        var headers = response.Headers;
        headers["x-sluice-class"] = className;
        headers["x-sluice-engine"] = live.EngineName;
        headers["x-sluice-queue-wait-ms"] = Milliseconds(live.Wait.TotalMilliseconds);
        headers["x-sluice-evictions"] = Number(live.Evictions);
        if (live.Forecast is not { } forecast) return;
        headers["x-sluice-queue-position"] = Number(forecast.Ahead + 1);
        if (double.IsFinite(forecast.Mean)) headers["x-sluice-expected-wait-ms"] = Milliseconds(forecast.Mean * 1000);
    }

    /// <summary>Of a request that no engine took: what was expected of it.</summary>
    public static void WriteRefused(HttpResponse response, LiveRequest live, string className)
    {
        response.Headers["x-sluice-class"] = className;
        if (live.Forecast is not { } forecast || !double.IsFinite(forecast.Mean)) return;
        response.Headers["x-sluice-queue-position"] = Number(forecast.Ahead + 1);
        response.Headers["x-sluice-expected-wait-ms"] = Milliseconds(forecast.Mean * 1000);
    }

    private static string Number(int value) => value == 0 ? "0" : value.ToString(CultureInfo.InvariantCulture);

    private static string Milliseconds(double value) => value < 0.05 ? "0" : value.ToString("0.#", CultureInfo.InvariantCulture);
}
