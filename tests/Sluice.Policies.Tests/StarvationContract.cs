using System.Globalization;
using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Policies.Tests;

/// <summary>No starvation beyond what a line of the catalog states, and where it states no bound, starvation: one request, of the kind
/// that the system puts back, among others that come a quarter faster than the engine serves them, for 12 and for 25 minutes. It is
/// answered within its bound while they come, in both; or only when no more of them come.</summary>
public sealed class StarvationContract
{
    private const double StepSeconds = 0.1, PerSecond = 5, Shorter = 750;
    private const int Bystander = 8, Answer = 300, Places = 4, FewSteps = 100;

    /// <summary>Seconds for its own answer, alone, and for the few that came before it.</summary>
    private const double Own = Answer * StepSeconds + 30;

    private static readonly Slo s_soon = Slo.BestEffort with { Ttft = TimeSpan.FromSeconds(5) };
    private static readonly Slo s_anyTime = Slo.BestEffort with { Ttft = TimeSpan.FromHours(1) };
    private static readonly Slo s_late = Slo.BestEffort with { Ttft = TimeSpan.FromMilliseconds(1) };
    private static readonly Slo s_batch = Slo.BestEffort with { E2e = TimeSpan.FromSeconds(300) };

    public static TheoryData<string> Every => [.. Systems.Names];

    [Theory, MemberData(nameof(Every))]
    public void A_request_is_passed_over_for_as_long_as_its_system_states(string name)
    {
        var bound = Catalog.Entries.First(e => e.Name == name).Waits;
        double[] durations = name == "qlm" ? [100, 200] : [Shorter, 2 * Shorter]; // Its plans look at all that wait, again and again.

        var waits = durations.Select(d => name == "qlm"
            ? Wait(name, bound.Limit, d, s_batch with { E2e = TimeSpan.FromSeconds(60) }, s_soon)
            : Wait(Line(name), bound.Limit, d)).ToArray();

        if (bound.Limit is WaitLimit.None)
            Assert.All(waits.Zip(durations), w => Assert.True(w.First > w.Second, $"{name} states no bound, and it waited {w.First} s"));
        else
            Assert.All(waits, wait => Assert.InRange(wait, 0, Most(bound) + Own));
    }

    /// <summary>What the descriptions of systems without a bound say gives them one.</summary>
    [Theory]
    [InlineData("lamps guards=all", 100)]
    [InlineData("ltr-rank starved-after=200", 200)]
    [InlineData("larry put-back-max=50", 0)]
    [InlineData("rps-serve age-cap=50", 0)]
    [InlineData("sa-slo age-cap=50 trials=1", 0)]
    public void A_setting_that_bounds_the_wait_does(string line, int steps)
    {
        Assert.InRange(Wait(line, WaitLimit.Seconds, Shorter), 0, steps == 0 ? 50 + Own : OfSteps(steps) + Own);
    }

    [Theory]
    [InlineData("edf")]
    [InlineData("edf-swap")]
    [InlineData("shepherd")]
    public void By_deadline_a_request_without_a_promise_has_no_bound(string name)
    {
        Assert.InRange(Wait(name, WaitLimit.None, Shorter, Slo.BestEffort, s_soon), Shorter, double.MaxValue);
    }

    [Fact]
    public void A_bound_in_seconds_or_steps_is_the_default_of_a_setting()
    {
        foreach (var entry in Catalog.Entries.Where(e => e.Waits.Limit is WaitLimit.Seconds or WaitLimit.Steps))
        {
            var settings = PolicySettings.None;
            Catalog.Make(entry.Name, settings);
            var setting = settings.Read.Single(s => entry.Waits.Says.Contains($"{s.Key}, ", StringComparison.Ordinal));
            Assert.Equal(entry.Waits.Amount.ToString(CultureInfo.InvariantCulture), setting.Default);
        }
    }

    /// <summary>Fewer trials of annealing; fewer steps passed over, so that it is bounded while others come; and a tenant of a hundredth
    /// of the weight, so that what it was served before counts.</summary>
    private static string Line(string name) => name switch
    {
        "sa-slo" => "sa-slo trials=1",
        "fastserve" => $"fastserve starved-after={FewSteps}",
        "vtc" => "vtc fair-weights=1:0.01",
        _ => name,
    };

    private static double Most(WaitBound bound) => bound.Limit switch
    {
        WaitLimit.Promise => s_batch.E2e.TotalSeconds * PerSecond / (Places / (10 * StepSeconds)), // Those due earlier queue up.
        WaitLimit.Seconds => bound.Amount,
        WaitLimit.Steps => OfSteps(FewSteps),
        WaitLimit.Share => 100 / (Places / (10 * StepSeconds)), // One request of its tenant weighs as much as a hundred.
        _ => 0,
    };

    /// <summary>Passed over so many steps before each ten tokens, and by who was so before.</summary>
    private static double OfSteps(int passedOver) => Answer / 10.0 * (passedOver + 10) * StepSeconds;

    /// <summary>Seconds until the bystander is answered in whole.</summary>
    private static double Wait(string line, WaitLimit limit, double duration, Slo? promised = null, Slo? others = null)
    {
        // A late one steps back only behind others that can be in time throughout.
        var slo = promised ?? (limit is WaitLimit.None ? s_late : s_batch);
        var newcomer = others ?? (limit is WaitLimit.None ? s_anyTime : s_soon);
        var rng = new Rng(7);
        var (requests, outputs, at) = (new List<Request>(), new List<int>(), 0.0);
        for (; at < duration; at += (requests.Count <= Bystander ? 0.01 : 1) * -Math.Log(1 - rng.NextDouble()) / PerSecond)
        {
            var isBystander = requests.Count == Bystander;
            requests.Add(new()
            {
                Id = new(requests.Count),
                Arrival = Instant.FromSeconds(at),
                PromptTokens = isBystander ? 900 : 40,
                MaxOutputTokens = isBystander ? Answer : 10,
                Slo = isBystander ? slo : newcomer,
                Priority = isBystander ? 1 : 0,
                Class = new(isBystander ? 1 : 0),
                Tenant = new(isBystander || requests.Count == 0 ? 1 : 0),
                Media = isBystander ? new(MediaKind.Video, 1, 800, TimeSpan.Zero) : null,
            });
            outputs.Add(isBystander ? Answer : 10);
        }

        var system = Systems.Make(line);
        var options = new SimulationOptions
        {
            Engines =
            [
                ProfileCatalog.Find("llama-3.1-8b@a100") with
                {
                    Name = "a step takes a tenth of a second",
                    Coefficients = new() { A = StepSeconds * 1000 },
                    FirstTokenExtraIterations = 0,
                    ApiOverheadMilliseconds = 0,
                },
            ],
            Limits = new(TokenBudget: 512, SequencesMax: Places),
            OutstandingMax = 32,

            // The bystander and three others do not fit together, but for systems that reserve ranges.
            KvTokens = system.Kv is KvKind.Paged or KvKind.PrefixCache ? 1280 : 4096,
        };
        var workload = new Workload
        {
            Name = "overload",
            Origin = "made",
            Requests = [.. requests],
            OutputTokens = [.. outputs],
            Classes = ["others", "bystander"],
        };
        var simulator = new Simulator(workload, system, options);
        var isOver = !simulator.Run();
        Assert.True(isOver);
        var log = simulator.Result(TimeSpan.Zero, []).Log;
        Assert.Equal(Outcome.Finished, log.Outcome[Bystander]);
        return (log.Ended[Bystander] - log.Arrival[Bystander]) / (double)TimeSpan.TicksPerSecond;
    }
}
