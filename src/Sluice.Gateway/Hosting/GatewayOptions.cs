namespace Sluice.Gateway;

/// <summary>Where the gateway listens, what it promises, and the bounds of everything it holds.</summary>
public sealed record GatewayOptions
{
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>0 for any free port. 8700 is none that an engine uses by default.</summary>
    public int Port { get; init; } = 8700;

    /// <summary>The system of the catalog that orders the queue.</summary>
    public string System { get; init; } = "qlm";

    /// <summary>Settings of that system, as with <c>--set key=value</c> in simulations.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Tenants share by the service they received, unless a setting <c>fair</c> says otherwise.</summary>
    public bool SharesByTenant { get; init; } = true;

    /// <summary>With what is usual here where nothing was said: QLM looks at its queue twice a second, sends engines half a second
    /// of prompts ahead, and leaves the last copy of a model that people chat with where it is for ten minutes: they count in
    /// seconds, and a load takes longer. Nobody who chats is given up: who is late is served before what has all night.</summary>
    public IReadOnlyDictionary<string, string> SettingsInUse
    {
        get
        {
            var all = new SortedDictionary<string, string>(Settings.ToDictionary(), StringComparer.Ordinal);
            if (SharesByTenant) all.TryAdd("fair", "vtc");
            if (System != "qlm") return all;
            all.TryAdd("tick", "0.5");
            all.TryAdd("prompts", "0.5");
            all.TryAdd("keep", "600");
            all.TryAdd("rescue", "on");
            return all;
        }
    }

    public SloClasses Classes { get; init; } = SloClasses.Default;

    /// <summary>Names that callers use for a model, each with the engines' own name of it.</summary>
    public IReadOnlyDictionary<string, string> Aliases { get; init; } = new Dictionary<string, string>();

    /// <summary>In which sense callers' <c>priority</c> is meant.</summary>
    public PriorityPolarity Priority { get; init; } = PriorityPolarity.LowerFirst;

    /// <summary>Largest body of a request [bytes]. 32 MiB holds a long context with a few images.</summary>
    public int BodyBytesMax { get; init; } = 32 << 20;

    /// <summary>Bodies of all live requests together [bytes]; more are refused, so that memory is bounded.</summary>
    public long BodiesBytesMax { get; init; } = 1L << 30;

    /// <summary>Time that a caller has for the head of a request. 15 s: it is a few kilobytes, and comes in one piece.</summary>
    public TimeSpan HeadersWithin { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Slowest pace of a body [bytes/s], after <see cref="BodyGrace"/>. 1 KiB: the slowest of telephones.</summary>
    public int BodyBytesPerSecond { get; init; } = 1024;

    /// <summary>Time before <see cref="BodyBytesPerSecond"/> counts; more than a second, how often the server looks.</summary>
    public TimeSpan BodyGrace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Requests accepted and not ended. A queued one costs a few kilobytes beside its body and connection.</summary>
    public int LiveMax { get; init; } = 100_000;

    /// <summary>Connections that are open at once; a server without the limit dies by its memory instead.</summary>
    public int ConnectionsMax { get; init; } = 65_536;

    /// <summary>Places for engines that may join while the gateway runs; a plan's cost grows with it.</summary>
    public int EnginesMax { get; init; } = 32;

    /// <summary>Models known at once. One bit each says which are warm on an engine, so 64 at most.</summary>
    public int ModelsMax { get; init; } = 64;

    /// <summary>Requests outstanding on an engine that does not say how many it runs at once.</summary>
    public int OutstandingMax { get; init; } = 64;

    /// <summary>Engines that may break off one request before it fails.</summary>
    public int AttemptsMax { get; init; } = 3;

    /// <summary>What becomes of models that cannot be loaded.</summary>
    public Core.LoadRetryOptions LoadRetries { get; init; } = new();

    /// <summary>Longest answer assumed of a caller that sets no limit, until lengths are learned [tokens].</summary>
    public int OutputTokens { get; init; } = 512;

    /// <summary>An engine that has begun an answer and sends nothing for this long has lost it.</summary>
    public TimeSpan StallAfter { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>An engine that sends nothing at all for this long after it took a request has lost it.</summary>
    public TimeSpan SilentAfter { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Between two readings of an engine's own reports, and two looks at stalled answers.</summary>
    public TimeSpan ReportEvery { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>First wait before an engine that is gone is asked again; doubles up to <see cref="ProbeEveryMax"/>.</summary>
    public TimeSpan ProbeEvery { get; init; } = TimeSpan.FromMilliseconds(500);

    public TimeSpan ProbeEveryMax { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>New requests for a model whose engines are gone are held for this long after the loss, then refused.</summary>
    public TimeSpan HoldLost { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Where a line is written for every request that ends, so that <c>sluice replay</c> can try other policies on them;
    /// null for nowhere.</summary>
    public string? JournalFolder { get; init; }

    /// <summary>The dashboard answers callers from other machines too. It shows everybody's requests, though never their
    /// text.</summary>
    public bool IsDashboardOpen { get; init; }

    /// <summary>Where traces and metrics are exported to; null for nowhere.</summary>
    public TelemetryOptions? Telemetry { get; init; }

    /// <summary>Time that running answers get when the gateway is told to stop.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(30);
}

public enum PriorityPolarity : byte { LowerFirst, HigherFirst }
