using System.Globalization;
using System.Text.Json;
using Sluice.Core;
using Sluice.Engine;
using Sluice.Policies;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>One workload twice: simulated with a profile measured here and now, and live.</summary>
/// <param name="LoopShare">Of the live steps' time that was neither the model's nor the choice of tokens.</param>
internal sealed record LiveComparison(
    EngineProfile Profile, double RequestsPerSecond, RunSummary Simulated, RunSummary Live, double LoopShare)
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
    /// <summary>Of what the engine can do at most: queues build up, and drain.</summary>
    private const double LoadShare = 0.6;

    private const int ProfileRounds = 6; // before the run, and again after it

    /// <summary>Requests that run first and do not count: the loop's code is compiled on its way.</summary>
    private const int WarmRequests = 60;

    public static LiveComparison Run(
        string path, int requests, EngineSettings settings, ServingSystem system, ulong seed, Terminal terminal)
    {
        using var model = OpenModel.Open(path, settings);
        var timer = new StepTimer(model, StepShape.Grid(settings.Serving, model.Loop.TokensMax));
        terminal.Error.WriteLine("timing steps …");
        timer.Warm(terminal.Stop);
        var warm = Make(WarmRequests, 1e6, model.Loop.TokensMax, seed + 1);
        _ = new LiveRun(model, warm).Run(system.Name, null, terminal.Stop);
        var loop = LoopMilliseconds(model, warm, system, terminal);
        for (var i = 0; i < ProfileRounds; i++) timer.Round(terminal.Stop);
        var first = MeasuredProfile.Of(model, path, settings.Threads, timer.Samples(loop), timer.Rounds);

        // Everything at once shows what the engine can do; a share of that is the load.
        var all = Simulate(Make(requests, 1e6, model.Loop.TokensMax, seed), first, settings, system);
        var rate = LoadShare * requests / all.VirtualSeconds;
        var workload = Make(requests, rate, model.Loop.TokensMax, seed);
        var expected = Simulate(workload, first, settings, system);
        workload = Promise(workload, expected, seed);

        terminal.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{requests} requests at {rate:0.00}/s, about {expected.VirtualSeconds:0} s live …"));
        var (loopTime, begin) = (model.Loop.LoopTime, model.Loop.StepTime);
        var live = RunSummary.Of(new LiveRun(model, workload).Run(system.Name, null, terminal.Stop));
        var loopShare = (model.Loop.LoopTime - loopTime) / (model.Loop.StepTime - begin);

        // The machine may have changed its pace meanwhile; the profile that counts is of before and after.
        terminal.Error.WriteLine("timing steps again …");
        for (var i = 0; i < ProfileRounds; i++) timer.Round(terminal.Stop);
        var profile = MeasuredProfile.Of(model, path, settings.Threads, timer.Samples(loop), timer.Rounds);
        return new(profile, rate, Simulate(workload, profile, settings, system), live, loopShare);
    }

    /// <summary>What the loop takes of a step besides what the timer times [ms].</summary>
    private static double LoopMilliseconds(OpenModel model, Workload workload, ServingSystem system, Terminal terminal)
    {
        var (time, steps) = (model.Loop.LoopTime, model.Loop.Core.Iterations);
        _ = new LiveRun(model, workload).Run(system.Name, null, terminal.Stop);
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
            $"{c.Profile.Name}, {c.Live.All.Requests} requests at {c.RequestsPerSecond:0.00}/s in {c.Live.VirtualSeconds:0} s; "
            + $"{c.Simulated.Iterations:#,##0} steps simulated, {c.Live.Iterations:#,##0} live; loop and scheduling took "
            + $"{c.LoopShare * 100:0.00} % of a step; profile off by {c.Profile.Fit!.MeanErrorPercent} % in the mean"));
        terminal.Out.WriteLine(c.Holds ? "within what is wanted" : "not within what is wanted");
        if (!c.IsInRange)
            terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"The shortest step takes {c.StepMilliseconds:0.00} ms. Below {LiveComparison.StepMin:0} ms waking threads and the "
                + $"operating system's pauses weigh as much as steps, and no profile of steps has them."));
    }

    private static Workload Make(int requests, double rate, int tokensMax, ulong seed)
    {
        // Chats, and one in four with a long prompt; cut to what the model takes.
        var (chats, documents) = (requests * 3 / 4, requests - requests * 3 / 4);
        var longest = Math.Min(tokensMax, 1024);
        var chat = Part(rate * 0.75, chats, longest / 16, longest / 24, "chat");
        var document = Part(rate * 0.25, documents, longest / 4, longest / 40, "document");
        return WorkloadSource.FromSpec($"{chat}|{document}", new Rng(seed));

        string Part(double perSecond, int count, int prompt, int output, string name) => string.Create(
            CultureInfo.InvariantCulture,
            $"poisson:rate={perSecond:R},n={count},prompt=lognormal({prompt},0.5),output=lognormal({output},0.6),")
            + $"max-total={longest},class={name}";
    }

    /// <summary>Promises near what the simulator expects, so that some are met and some are not.</summary>
    private static Workload Promise(Workload workload, RunSummary expected, ulong seed)
    {
        var (ttft, tpot, e2e) = (1.5 * expected.All.Ttft.Mean, 1.25 * expected.All.Tpot.Mean, 1.5 * expected.All.E2e.Mean);
        var slo = string.Create(
            CultureInfo.InvariantCulture, $"chat:0.75,ttft={ttft:0.###}ms,tpot={tpot:0.###}ms;document:0.25,e2e={e2e:0.###}ms");
        return SloMix.Parse(slo).Apply(workload, new Rng(seed));
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
