namespace Sluice.Policies;

/// <summary>What limits how long a request waits while requests that a system prefers keep coming, more than can be served.</summary>
public enum WaitLimit
{
    /// <summary>The requests before it: nobody who comes later is served first.</summary>
    Before,

    /// <summary>Its own promise: passed only by who is due earlier. Without a promise there is no limit.</summary>
    Promise,

    /// <summary>Its age: passed only by who comes within so many seconds.</summary>
    Seconds,

    /// <summary>Steps: so many may pass it over, each time.</summary>
    Steps,

    /// <summary>What its tenant was served before: others pass it until they were served as much by weight.</summary>
    Share,

    /// <summary>Nothing: it may wait for as long as the others come.</summary>
    None,
}

/// <summary>The longest that a request of a system can be passed over, with the system's defaults. A contract test holds every line of
/// the catalog to it, and shows of those without a limit that a request really does wait for as long as others come.</summary>
/// <param name="Amount">Seconds or steps, where that is the limit.</param>
/// <param name="Says">In words, for listings.</param>
public sealed record WaitBound(WaitLimit Limit, string Says, int Amount = 0)
{
    /// <summary>First come, first served.</summary>
    public static WaitBound InOrder { get; } = new(WaitLimit.Before, "nobody who came later goes first");

    public static WaitBound ByPromise { get; } = new(
        WaitLimit.Promise, "passed only by who is due earlier, so its own promise bounds its wait; no bound without a promise");

    public static WaitBound OfAge(int seconds, string says) => new(WaitLimit.Seconds, says, seconds);

    /// <param name="why">Why that is meant.</param>
    public static WaitBound None(string why) => new(WaitLimit.None, "no bound: " + why);
}
