namespace Sluice.Policies;

/// <summary>What a plan decides over: groups, engines, and the costs that tie them.</summary>
/// <remarks>
/// Each group goes to one position of one virtual queue, without gaps. A group on engine v begins at
/// S = Start[v] + loads and service of those before it; its last request gets its first token Last later; it is late by
/// p = max(0, S + Last − Slack). The objective is Σ Weight·p + 10⁻³·(time spent loading) + 10⁻⁶·ΣS: tardiness first, then few
/// loads, then early starts. Weight is the number of requests, times its age once it is late. Nothing is a hard limit: the
/// overloaded case is the one that matters. Times in seconds.
/// Source: QLM's program over group positions with its defects repaired: loads delay everything behind them, several
/// queues are feasible, lateness is what is paid for and earliness is not.
/// </remarks>
internal sealed class PlanProblem
{
    public const double LoadWeight = 1e-3, StartWeight = 1e-6;

    public int Groups { get; private set; }
    public int Engines { get; private set; }
    public int Kinds { get; private set; }
    public int Models { get; private set; }

    // By group.
    public double[] Weight = [], Slack = [];
    public int[] Model = [], Home = []; // Home: the only engine it may stand on, or -1.
    public long[] Deadline = [];

    // By group and kind of engine: group * Kinds + kind. Infinite where it cannot run.
    public double[] Service = [], Last = [];

    // By engine.
    public int[] Kind = [], Loaded = [];
    public double[] Start = [], FirstLoad = []; // FirstLoad: what a load in front of everything waits for besides.
    public bool[] IsOpen = [];

    // By engine and model: engine * Models + model.
    public double[] Load = [];

    public void Resize(int groups, int engines, int kinds, int models)
    {
        (Groups, Engines, Kinds, Models) = (groups, engines, kinds, models);
        Fit(ref Weight, groups);
        Fit(ref Slack, groups);
        Fit(ref Model, groups);
        Fit(ref Home, groups);
        Fit(ref Deadline, groups);
        Fit(ref Service, groups * kinds);
        Fit(ref Last, groups * kinds);
        Fit(ref Kind, engines);
        Fit(ref Loaded, engines);
        Fit(ref Start, engines);
        Fit(ref FirstLoad, engines);
        Fit(ref IsOpen, engines);
        Fit(ref Load, engines * models);
    }

    public bool CanStand(int group, int engine) =>
        IsOpen[engine] && (Home[group] < 0 || Home[group] == engine) &&
        Service[group * Kinds + Kind[engine]] < double.PositiveInfinity;

    private static void Fit<T>(ref T[] array, int length)
    {
        if (array.Length < length) Array.Resize(ref array, Math.Max(length, array.Length * 2));
    }
}
