namespace Sluice.Policies;

/// <summary>The state of a queue after some of its groups.</summary>
/// <param name="Time">When the next group of the same model would begin [s from now].</param>
/// <param name="Run">Requests since the last load, those that run included.</param>
/// <param name="IsFirst">No load came yet.</param>
internal record struct QueueState(double Time, double Cost, int Model, double Run, bool IsFirst);

/// <summary>What a plan decides over: groups, engines, and the costs that tie them.</summary>
/// <remarks>
/// Each group goes to one position of one virtual queue, without gaps. A group on engine v begins at S = Start[v] + service
/// of those before it, and for every change of model the time until the longest answer of the model before ends, which grows
/// with the logarithm of their number, and the load; its last request gets its first token Last later; it is late by
/// p = max(0, S + Last − Slack). The objective is Σ Weight·p + 10⁻³·(time spent loading) + 10⁻⁶·ΣS: tardiness first, then few
/// loads, then early starts. Weight is the number of requests, times its age once it is late. Nothing is a hard limit: the
/// overloaded case is the one that matters. Times in seconds.
/// Source: QLM's program over group positions with its defects repaired: loads delay everything behind them, several
/// queues are feasible, lateness is what is paid for and earliness is not. O(1) per group of a queue.
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
    public double[] Start = []; // When it takes the next request of its model.
    public double[] Running = []; // Requests that it is busy with.
    public double[] FirstDrain = [], Stay = []; // Until those are off it, if nobody joins; until it may load another model.
    public bool[] IsOpen = [];

    // By engine and model: engine * Models + model. Of a run of n requests of the model the last ends
    // Tail + TailGrowth · ln(min(n, Batch)) after it was begun.
    public double[] Load = [], Tail = [], TailGrowth = [], Batch = [];

    // By group.
    public double[] Members = [];

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
        Fit(ref Running, engines);
        Fit(ref FirstDrain, engines);
        Fit(ref Stay, engines);
        Fit(ref IsOpen, engines);
        Fit(ref Load, engines * models);
        Fit(ref Tail, engines * models);
        Fit(ref TailGrowth, engines * models);
        Fit(ref Batch, engines * models);
        Fit(ref Members, groups);
    }

    public bool CanStand(int group, int engine) =>
        IsOpen[engine] && (Home[group] < 0 || Home[group] == engine) &&
        Service[group * Kinds + Kind[engine]] < double.PositiveInfinity;

    /// <summary>The state of an engine before any group.</summary>
    public QueueState Begin(int engine) => new(Start[engine], 0, Loaded[engine], Running[engine], IsFirst: true);

    /// <summary>Adds a group to an engine's queue.</summary>
    public void Step(ref QueueState state, int engine, int group)
    {
        if (Model[group] != state.Model)
        {
            var before = engine * Models + state.Model;
            var load = Load[engine * Models + Model[group]];
            var end = state.Time + Tail[before] + TailGrowth[before] * Math.Log(Math.Clamp(state.Run, 1, Batch[before]));
            if (state.Run == 0) end = state.Time;
            else if (state.IsFirst && state.Run == Running[engine]) end = FirstDrain[engine]; // Nobody joined.
            if (state.IsFirst) end = Math.Max(end, Stay[engine]);
            state = state with
            {
                Time = end + load, Cost = state.Cost + LoadWeight * load, Model = Model[group], Run = 0, IsFirst = false,
            };
        }

        var at = group * Kinds + Kind[engine];
        var late = state.Time + Last[at] - Slack[group];
        if (late > 0) state.Cost += Weight[group] * late;
        state.Cost += StartWeight * state.Time;
        state.Time += Service[at];
        state.Run += Members[group];
    }

    private static void Fit<T>(ref T[] array, int length)
    {
        if (array.Length < length) Array.Resize(ref array, Math.Max(length, array.Length * 2));
    }
}
