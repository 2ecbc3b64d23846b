namespace Sluice.Gateway;

/// <summary>How interruption policies are spelled in headers and files.</summary>
internal static class Interruptions
{
    public const string Known = "continue, restart-if-nothing-sent or fail";

    public static bool TryParse(string text, out Interruption value)
    {
        (var isKnown, value) = text switch
        {
            "continue" => (true, Interruption.Continue),
            "restart-if-nothing-sent" => (true, Interruption.RestartIfNothingSent),
            "fail" => (true, Interruption.Fail),
            _ => (false, default),
        };
        return isKnown;
    }
}
