using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Sluice.Core;
using Sluice.Engine;
using Sluice.Policies;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>One workload twice: simulated with a profile measured here and now, and live.</summary>
/// <param name="StepsOff">What the profile says of the very steps that were taken live, together, against what they took.</param>
/// <param name="LoopShare">Of the live steps' time that was neither the model's nor the choice of tokens.</param>
internal sealed record LiveComparison(
    EngineProfile Profile, double RequestsPerSecond, RunSummary Simulated, RunSummary Live, double StepsOff, double LoopShare)
{
    /// <summary>Steps shorter than this [ms] are about as long as what no profile of steps has: waking parked threads, and
    /// clocks and schedulers of the operating system.</summary>
    public const double StepMin = 1;

    /// <summary>The shortest step, a decode of one sequence, by the profile [ms].</summary>
    public double StepMilliseconds => Profile.Coefficients.A + Profile.Coefficients.C;

    /// <summary>Whether steps are long enough for the two to be compared.</summary>
    public bool IsInRange => StepMilliseconds >= StepMin;

    /// <summary>Wanted: means within this share, attainment within <see cref="AttainmentMax"/>.</summary>
    public const double MeanMax = 0.05;

    public const double AttainmentMax = 0.02;

    public IEnumerable<(string Name, double Simulated, double Live)> Means =>
    [
        ("TTFT", Simulated.All.Ttft.Mean, Live.All.Ttft.Mean),
        ("TPOT", Simulated.All.Tpot.Mean, Live.All.Tpot.Mean),
        ("E2E", Simulated.All.E2e.Mean, Live.All.E2e.Mean),
    ];

    public double AttainmentOff => Simulated.All.SloAttainment - Live.All.SloAttainment;

    public bool Holds =>
        Means.All(m => Math.Abs(m.Simulated / m.Live - 1) <= MeanMax) && Math.Abs(AttainmentOff) <= AttainmentMax;
}

/// <summary><c>sluice validate --live</c>: does the simulator say what really happens here?</summary>
internal static class LiveValidation
{
    /// <summary>Of what the engine can do at most. With small batches it is busy for two thirds of the time then: queues build up,
    /// and drain. Any error of a step's time counts so much more in waits the nearer the engine is to being always busy.</summary>
    private const double LoadShare = 0.4;

    /// <summary>Rounds of timed steps before the run and again after it, and one in each pause of it: a machine that others
    /// use changes its pace within seconds, and both sides must meet the same paces.</summary>
    private const int Rounds = 2;

    private const int Parts = 9;

    /// <summary>Requests that run first and do not count: the loop's code is compiled on its way.</summary>
    private const int WarmRequests = 60;

    public static LiveComparison Run(
        string path, int requests, EngineSettings settings, ServingSystem system, ulong seed, Terminal terminal)
    {
        StepLog? steps = null;
        var logged = settings with { Scheduler = () => steps = new(settings.Scheduler()) };
        using var model = OpenModel.Open(path, logged);
        var timer = new StepTimer(model, StepShape.Grid(settings.Serving, model.Loop.TokensMax));
        terminal.Error.WriteLine("timing steps …");
        timer.Warm(terminal.Stop);
        var warm = LiveWorkload.Make(WarmRequests, 1e6, model.Loop.TokensMax, seed + 1);
        _ = new LiveRun(model, warm).Run(system.Name, null, null, terminal.Stop);
        var loop = LoopMilliseconds(model, warm, system, terminal);
        var begin = Stopwatch.GetTimestamp();
        TimeSteps();
        var round = Stopwatch.GetElapsedTime(begin) / Rounds;
        var first = Profile();

        // Everything at once shows what the engine can do; a share of that is the load.
        var all = Simulate(LiveWorkload.Make(requests, 1e6, model.Loop.TokensMax, seed), first, settings, system);
        var rate = LoadShare * requests / all.VirtualSeconds;
        var workload = LiveWorkload.Make(requests, rate, model.Loop.TokensMax, seed);
        var expected = Simulate(workload, first, settings, system);
        workload = LiveWorkload.Promise(workload, expected, seed);

        // A pause is long enough for what is under way to end, for a round, and for its being slower than the last one.
        var pause = 1.3 * round + TimeSpan.FromMilliseconds(1.5 * expected.All.E2e.Max);
        workload = LiveWorkload.InParts(workload, Parts, pause);
        terminal.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{requests} requests at {rate:0.00}/s in {Parts} parts, steps timed in between, about ")
            + string.Create(CultureInfo.InvariantCulture, $"{expected.VirtualSeconds + (Parts - 1) * pause.TotalSeconds:0} s …"));
        var (loopTime, stepTime) = (model.Loop.LoopTime, model.Loop.StepTime);
        steps!.IsOn = true;
        var live = RunSummary.Of(new LiveRun(model, workload).Run(system.Name, null, TimeStepsIfRoom, terminal.Stop));
        steps.IsOn = false;
        (loopTime, stepTime) = (model.Loop.LoopTime - loopTime, model.Loop.StepTime - stepTime);
        TimeSteps();
        var profile = Profile();
        var simulated = Simulate(workload, profile, settings, system);
        var stepsOff = steps.TimeBy(new ClosedFormStepTime(profile)) / stepTime - 1;
        return new(profile, rate, simulated, live, stepsOff, loopTime / stepTime);

        void TimeSteps()
        {
            for (var i = 0; i < Rounds; i++) timer.Round(terminal.Stop);
        }

        void TimeStepsIfRoom(TimeSpan left)
        {
            if (left >= 1.2 * round) timer.Round(terminal.Stop);
        }

        EngineProfile Profile() => MeasuredProfile.Of(model, path, settings.Threads, timer.Samples(loop), timer.Rounds);
    }

    /// <summary>What the loop takes of a step besides what the timer times [ms].</summary>
    private static double LoopMilliseconds(OpenModel model, Workload workload, ServingSystem system, Terminal terminal)
    {
        var (time, steps) = (model.Loop.LoopTime, model.Loop.Core.Iterations);
        _ = new LiveRun(model, workload).Run(system.Name, null, null, terminal.Stop);
        return (model.Loop.LoopTime - time).TotalMilliseconds / Math.Max(1, model.Loop.Core.Iterations - steps);
    }

    public static void WriteJson(LiveComparison c, Terminal terminal) => terminal.WriteText(stream =>
    {
        using var json = new Utf8JsonWriter(stream);
        json.WriteStartObject();
        json.WriteBoolean("holds", c.Holds);
        json.WriteBoolean("in_range", c.IsInRange);
        json.WriteNumber("requests", c.Live.All.Requests);
        json.WriteNumber("requests_per_s", c.RequestsPerSecond);
        json.WriteString("profile", c.Profile.Name);
        json.WriteNumber("profile_mean_error_percent", c.Profile.Fit!.MeanErrorPercent);
        json.WriteNumber("shortest_step_ms", c.StepMilliseconds);
        json.WriteNumber("steps_off", c.StepsOff);
        json.WriteNumber("loop_share", c.LoopShare);
        json.WriteStartObject("metrics");
        foreach (var (name, simulated, live) in c.Means)
            Pair(name.ToLowerInvariant() + "_mean_ms", simulated, live, simulated / live - 1);
        Pair("slo_met", c.Simulated.All.SloAttainment, c.Live.All.SloAttainment, c.AttainmentOff);
        Pair("steps", c.Simulated.Iterations, c.Live.Iterations, c.Simulated.Iterations / (double)c.Live.Iterations - 1);
        json.WriteEndObject();
        json.WriteEndObject();

        void Pair(string name, double simulated, double live, double off)
        {
            json.WriteStartObject(name);
            json.WriteNumber("simulated", simulated);
            json.WriteNumber("live", live);
            json.WriteNumber("off", off);
            json.WriteEndObject();
        }
    });

    public static void Print(LiveComparison c, Terminal terminal)
    {
        var listing = new Listing("metric", "simulated", "live", "off", "wanted") { RightAligned = [1, 2, 3, 4] };
        foreach (var (name, simulated, live) in c.Means)
            listing.Add(
                name + " mean", Milliseconds(simulated), Milliseconds(live), Percent(simulated / live - 1),
                FormattableString.Invariant($"±{LiveComparison.MeanMax:0 %}"));
        listing.Add(
            "SLO met", Percent(c.Simulated.All.SloAttainment, signed: false), Percent(c.Live.All.SloAttainment, signed: false),
            (c.AttainmentOff * 100).ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture) + " points",
            FormattableString.Invariant($"±{LiveComparison.AttainmentMax * 100:0} points"));
        listing.Write(terminal.Out, terminal.Width);
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{c.Profile.Name}, {c.Live.All.Requests} requests at {c.RequestsPerSecond:0.00}/s in {Parts} parts; "
            + $"{c.Simulated.Iterations:#,##0} steps simulated, {c.Live.Iterations:#,##0} live; loop and scheduling took "
            + $"{c.LoopShare * 100:0.00} % of a step; profile off by {c.Profile.Fit!.MeanErrorPercent} % in the mean"));
        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"of the steps taken live the profile says {Percent(c.StepsOff)} of the time they took: that much is the machine's pace, ")
            + "amplified by queues; the rest is the simulator's");
        terminal.Out.WriteLine(c.Holds ? "within what is wanted" : "not within what is wanted");
        if (!c.IsInRange)
            terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"The shortest step takes {c.StepMilliseconds:0.00} ms. Below {LiveComparison.StepMin:0} ms waking threads and the "
                + $"operating system's pauses weigh as much as steps, and no profile of steps has them."));
    }

    private static RunSummary Simulate(Workload workload, EngineProfile profile, EngineSettings settings, ServingSystem system)
    {
        var simulator = new Simulator(workload, system, new()
        {
            Engines = [profile],
            Limits = new(settings.Serving.TokenBudget, settings.Serving.SequencesMax),
        });
        while (simulator.Run())
        {
        }

        return RunSummary.Of(simulator.Result(TimeSpan.Zero, []));
    }

    private static string Milliseconds(double value) => value.ToString("0.00", CultureInfo.InvariantCulture) + " ms";

    private static string Percent(double value, bool signed = true) =>
        (value * 100).ToString(signed ? "+0.0;-0.0;0.0" : "0.0", CultureInfo.InvariantCulture) + " %";
}
