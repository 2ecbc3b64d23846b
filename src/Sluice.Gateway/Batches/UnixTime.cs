namespace Sluice.Gateway;

internal static class UnixTime
{
    /// <summary>Whole seconds, as the API counts.</summary>
    public static long UnixSeconds(this TimeProvider time) => time.GetUtcNow().ToUnixTimeSeconds();
}
