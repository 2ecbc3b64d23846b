namespace Sluice.Policies;

/// <summary>What of QLM is on, and its numbers. The four switches are the operations that the paper takes away one by
/// one.</summary>
public sealed record QlmOptions
{
    /// <summary>Engines take a request when they have room for it; otherwise everything is pushed into the engines' own
    /// queues in virtual-queue order.</summary>
    public bool Pulling { get; init; } = true;

    /// <summary>Running requests give way to a group that would be late behind them.</summary>
    public bool Eviction { get; init; } = true;

    /// <summary>Idle engines load the model that their virtual queue wants next.</summary>
    public bool Swapping { get; init; } = true;

    /// <summary>Groups go where they end soonest and may move until they start; otherwise engines take turns.</summary>
    public bool Balancing { get; init; } = true;

    /// <summary>Largest group, as a multiple of the average batch; the paper's delta. At least one request.</summary>
    public double GroupCap { get; init; } = 4;

    /// <summary>Plan by search; strict earliest deadline first otherwise.</summary>
    public bool Searches { get; init; } = true;

    /// <summary>Time between two looks at everything queued. A new violation is looked at once, not at the tick.</summary>
    public TimeSpan Tick { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Shortest stay of a model on an engine while requests wait for it, as a multiple of the time that loading it
    /// took. 1 keeps engines from loading more than half of the time; what loads cost beyond that the search weighs.</summary>
    public double Residence { get; init; } = 1;

    /// <summary>Candidate moves that one search may evaluate.</summary>
    public int SolverMoves { get; init; } = 20_000;

    /// <summary>An engine keeps a model that was promised a first token sooner than two loads take; all engines that have it,
    /// or one each while another model waits for an engine.</summary>
    public bool PinInteractive { get; init; }

    /// <summary>Deadline of what was promised nothing, from its arrival: late, but finite, so that it ages.</summary>
    public TimeSpan BestEffort { get; init; } = TimeSpan.FromHours(4);

    /// <summary>A group's weight grows by 1 for each time it has been late for this long: newcomers outrank it at first,
    /// nobody for ever.</summary>
    public TimeSpan Ageing { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Prompts that an engine may have before it, sent and not yet computed, when it takes another [time to compute them];
    /// zero for as many as its places hold. Whoever is urgent waits behind these prompts inside the engine, where nobody can put
    /// it first; a few steps of them keep the engine as busy as all would.</summary>
    public TimeSpan Prompts { get; init; }

    /// <summary>The last engine with a model keeps it for so long after somebody was promised a first token of it sooner than two
    /// loads take, as long as the model that wants its place is loaded elsewhere; zero to load whatever waits.</summary>
    public TimeSpan Keep { get; init; }

    /// <summary>Whoever is too late already makes those give way that have far more time. QLM gives such promises up, and a chat
    /// that has just missed its own waits until work ends that had all night.</summary>
    public bool Rescue { get; init; }

    /// <summary>Reads the settings of the catalog line.</summary>
    public static QlmOptions Read(PolicySettings s)
    {
        var byDefault = new QlmOptions();
        return new()
        {
            Pulling = IsOn(s, "pulling", "engines take requests when they have room"),
            Eviction = IsOn(s, "eviction", "running requests give way to a group that would be late"),
            Swapping = IsOn(s, "swapping", "engines load the model that is wanted next"),
            Balancing = IsOn(s, "balancing", "groups go where they end soonest"),
            GroupCap = s.Number("group-cap", "largest group, in average batches", byDefault.GroupCap, 0, 1000),
            Searches = s.Word("planner", "how groups are ordered", "search", "edf") == "search",
            Tick = TimeSpan.FromSeconds(s.Number("tick", "time between two plans [s]", byDefault.Tick.TotalSeconds, 0.05, 3600)),
            Residence = s.Number("residence", "shortest stay of a model, in load times", byDefault.Residence, 0, 1000),
            Prompts = TimeSpan.FromSeconds(
                s.Number("prompts", "prompts sent ahead to an engine, 0 for all it has places for [s]", 0, 0, 3600)),
            Keep = TimeSpan.FromSeconds(
                s.Number("keep", "last copy of a model stays so long after an urgent request [s]", 0, 0, 86_400)),
            Rescue = s.Word("rescue", "running requests that have far more time give way to late ones", "off", "on") == "on",
            SolverMoves = s.Whole("solver-moves", "moves that one plan may try", byDefault.SolverMoves, 0, 1 << 30),
            PinInteractive = s.Word("pin", "models whose engines never swap", "none", "interactive") == "interactive",
        };
    }

    private static bool IsOn(PolicySettings s, string key, string meaning) => s.Word(key, meaning, "on", "off") == "on";
}
