using System.Globalization;
using static Sluice.Cli.PaperFigure;

namespace Sluice.Cli;

/// <summary>The paper's claims beside ours.</summary>
/// <remarks>The ranges, 40 to 90 % and 20 to 400 %, are those of the abstract, over all workloads: that one holds of a single workload
/// is inferred, and so is each row that has one.</remarks>
internal static class QlmRows
{
    /// <summary>Attainment at which a system has fallen.</summary>
    public const double Fallen = 0.9;

    /// <summary>Points of attainment that count as a difference.</summary>
    private const double Notable = 0.01;

    public static IReadOnlyList<ReproductionRow> Make(QlmResults r) =>
        [.. OneModel(r), .. ManyModels(r), .. MegaPrompts(r), .. Estimates(r), .. Operations(r), .. Settings(r)];

    /// <summary>The load of the sweep at which QLM's lead over vLLM is widest.</summary>
    public static double Knee(QlmResults r, string traffic) =>
        r.Loads.MaxBy(load => Lead(r, traffic, load));

    private static double Lead(QlmResults r, string traffic, double load) =>
        r.Run(traffic, QlmSystem.Qlm, load).Attainment - r.Run(traffic, QlmSystem.Vllm, load).Attainment;

    private static double MixLead(QlmResults r, double a10Share) =>
        r.Mixed(QlmSystem.Qlm, a10Share).Attainment - r.Mixed(QlmSystem.Vllm, a10Share).Attainment;

    private static IEnumerable<ReproductionRow> OneModel(QlmResults r)
    {
        double[] fall = [.. QlmSystem.OfOneModel.Select(s => r.FallsAt("W_A", s, Fallen))];
        var (qlm, edf, shepherd, vllm) = (fall[0], fall[1], fall[2], fall[3]);
        yield return new(
            "W_A: attainment falls first for vLLM, then for EDF or SHEPHERD, last for QLM", Inferred("QLM last"),
            $"vLLM {Load(vllm)}, EDF {Load(edf)}, SHEPHERD {Load(shepherd)}, QLM {Load(qlm)}",
            qlm >= Math.Max(edf, shepherd) && vllm < Math.Min(edf, shepherd),
            $"Load at which attainment falls below {Percent(Fallen)}; 1 is what the fleet sustains, the sweep ends at "
            + $"{Load(r.Loads[^1])}." + (qlm < edf ? WhyEdf(r) : qlm == edf ? " QLM and EDF end level." : "")
            + (r.Fleet == QlmFleet.Paper ? " At this size " + Reduced(r) : ""));

        var knee = Knee(r, "W_A");
        var (ours, theirs) = (r.Run("W_A", QlmSystem.Qlm, knee), r.Run("W_A", QlmSystem.Vllm, knee));
        var points = ours.Attainment - theirs.Attainment;
        yield return new(
            "W_A: attainment above vLLM's at the knee, all requests", Inferred("40-90 points"), Points(points),
            Agreement.IsInside(points, 0.4, 0.9),
            $"{Percent(ours.Attainment)} against {Percent(theirs.Attainment)} at {Load(knee)}, where the lead is widest. Equal "
                + $"shares of the "
            + "three classes bound the lead: batch-2's hour is met by anybody, so at most two thirds can be won. Part of it is "
            + "balancing: least outstanding requests gives an A10 "
            + $"as many as an A100; on A100 alone, at {Load(QlmResults.Overload)}, the lead is {Points(MixLead(r, 0))}, with "
            + $"the A10 {Points(Lead(r, "W_A", QlmResults.Overload))}.");
        var interactive = ours.Of("interactive") - theirs.Of("interactive");
        yield return new(
            "W_A: attainment above vLLM's at the knee, interactive requests", Inferred("40-90 points"), Points(interactive),
            Agreement.IsInside(interactive, 0.4, 1),
            $"{Percent(ours.Of("interactive"))} against {Percent(theirs.Of("interactive"))}, the class that the operations "
                + $"serve. The paper's range is "
            + "over all of its workloads.");
        var alike = r.Loads.Max(l => Math.Abs(
            r.Run("one class", QlmSystem.Qlm, l).Attainment - r.Run("one class", QlmSystem.Vllm, l).Attainment));
        yield return new(
            "no gain where all requests share one model and one tight promise", Summarised("no gain"), $"at most {Points(alike)}",
            alike <= 0.05,
            "W_A's requests, all interactive, on A100 alone; the widest difference of the sweep, either way."
            + (alike > 0.05 ? " " + OneClassNote(r) : ""));
    }

    private static IEnumerable<ReproductionRow> ManyModels(QlmResults r)
    {
        foreach (var other in (QlmSystem[])[QlmSystem.SwappingVllm, QlmSystem.Edf, QlmSystem.Shepherd])
        {
            double[] gains = [.. r.LoadsOfMany.Where(l => l >= 1).Select(l =>
                r.Run("W_B", QlmSystem.Qlm, l).RequestsPerSecond / r.Run("W_B", other, l).RequestsPerSecond)];
            yield return new(
                $"W_B: requests served per second, QLM over {other.Name}", Inferred("1.2-5×"), TimesRange(gains.Min(), gains.Max()),
                Agreement.IsInside(gains.Max(), 1.2, 5),
                $"At loads from 1 on, first arrival to last answer; at {Load(QlmResults.Overload)}: "
                + $"{r.Run("W_B", QlmSystem.Qlm, QlmResults.Overload).RequestsPerSecond:F1} against "
                + $"{r.Run("W_B", other, QlmResults.Overload).RequestsPerSecond:F1} a second."
                + (gains.Max() > 5 ? WhyFar(r, other) : "")
                + (gains.Max() < 1.2 ? " " + WhyMany(r) : ""));
        }

        foreach (var other in (QlmSystem[])[QlmSystem.SwappingVllm, QlmSystem.Edf])
        {
            var (ours, theirs) = (r.Run("W_B", QlmSystem.Qlm, QlmResults.Overload), r.Run("W_B", other, QlmResults.Overload));
            var fewer = theirs.LoadsPerThousand / ours.LoadsPerThousand;
            yield return new(
                $"W_B: model loads per 1,000 requests, {other.Name} over QLM", Inferred("an order of magnitude"), Times(fewer), fewer >= 10,
                $"{theirs.LoadsPerThousand:F1} against {ours.LoadsPerThousand:F1} at {Load(QlmResults.Overload)}; SHEPHERD "
                + $"{r.Run("W_B", QlmSystem.Shepherd, QlmResults.Overload).LoadsPerThousand:F1}.");
        }

        var (qlm, vllm) = (r.Run("W_B", QlmSystem.Qlm, QlmResults.Overload), r.Run("W_B", QlmSystem.SwappingVllm, QlmResults.Overload));
        var best = QlmSystem.OfManyModels.MaxBy(s => r.Run("W_B", s, QlmResults.Overload).Attainment)!;
        yield return new(
            "W_B: attainment above vLLM's", Inferred("40-90 points"), Points(qlm.Attainment - vllm.Attainment),
            Agreement.IsInside(qlm.Attainment - vllm.Attainment, 0.4, 0.9),
            $"{Percent(qlm.Attainment)} against {Percent(vllm.Attainment)} at {Load(QlmResults.Overload)}; the best is "
                + $"{best.Name}. Batch-2's hour, half of the "
            + $"requests, is kept by {Percent(vllm.Of("batch-2"))} with vLLM.{(best == QlmSystem.Qlm ? "" : " " + WhyMany(r))}");
    }

    private static IEnumerable<ReproductionRow> MegaPrompts(QlmResults r)
    {
        var (on, off) = (r.Without("W_C", QlmSystem.Qlm), r.Without("W_C", WithoutEviction));
        var gain = on.Attainment - off.Attainment;
        yield return new(
            "W_C: evicting mega prompts keeps promises", Inferred("a gain"), Points(gain), gain >= Notable,
            $"{Percent(on.Attainment)} with and {Percent(off.Attainment)} without eviction at {Load(QlmResults.Overload)}; "
                + $"{on.EvictionsPerThousand:F1} evictions "
            + $"per 1,000 requests. Of the prompts' tokens {on.PrefillShare:F2} times as many are computed with and "
            + $"{off.PrefillShare:F2} times without: engines "
            + "preempt among themselves."
            + (gain < Notable ? " Places come free many times a second on an engine of 200 sequences, so chat seldom has to "
            + "take one; "
                + "ordering the queue does the work that the paper's smaller batches leave to eviction." : ""));
        var vllm = r.Run("W_C", QlmSystem.Vllm, QlmResults.Overload);
        var lead = r.Run("W_C", QlmSystem.Qlm, QlmResults.Overload).Attainment - vllm.Attainment;
        yield return new(
            "W_C: attainment above vLLM's", Inferred("40-90 points"), Points(lead), Agreement.IsInside(lead, 0.4, 0.9),
            $"At {Load(QlmResults.Overload)}. Chat is 90 % of the requests and {Percent(ChatShare(r))} of the tokens: past the "
                + $"load at which chat alone fills the "
            + "fleet no order helps.");
    }

    private static IEnumerable<ReproductionRow> Estimates(QlmResults r)
    {
        var error = QlmEstimates.ErrorOfMeanAt(r.Estimates.Alike, 500);
        yield return new(
            "RWT: error of the mean wait with 500 queued", Inferred("< 5 %"), RowText.Change(error), Math.Abs(error) < 0.05,
            $"Predicted over actual mean of those that found 450 to 550 queued, {QlmEstimates.Draws} draws, one engine, one promise. "
            + $"The bound is ours. Where nothing was learned before: "
            + $"{RowText.Change(QlmEstimates.ErrorOfMeanAt(r.Estimates.Cold, 500))}; lengths are then "
            + "learned from answers that still run, too.");
        var r2 = QlmEstimates.R2(r.Estimates.Alike.Where(w => w.Ahead >= QlmEstimates.LongQueue));
        yield return new(
            "RWT: R² of predicted against actual waits on long queues", Recalled("0.99"), Three(r2), r2 >= 0.99,
            $"From {QlmEstimates.LongQueue} queued on. With ShareGPT's prompts, which fall into several groups that later "
                + $"requests may join, "
            + $"{Three(QlmEstimates.R2(r.Estimates.ShareGpt))}; on W_A, where later interactive requests overtake, "
            + $"{Three(QlmEstimates.R2(r.Estimates.Mixed))}.");
        var coverage = QlmEstimates.Coverage(r.Estimates.Azure);
        yield return new(
            "RWT: waits within the predicted p90", Inferred("90 %"), Percent(coverage), Agreement.IsInside(coverage, 0.85, 0.95),
            $"Azure's conversation lengths as a table, Poisson arrivals, one promise, all waits of four loads; by load "
            + string.Join(", ", r.Estimates.AzureCoverage.Select(a => $"{Load(a.Load)}: {Percent(a.Coverage)}"))
            + $". Requests of one kind: {Percent(QlmEstimates.Coverage(r.Estimates.Alike))}; W_A: "
            + $"{Percent(QlmEstimates.Coverage(r.Estimates.Mixed))}. The paper's spread is that of lengths alone, a "
            + "few percent of a long wait; throughput and mean length, learned a few percent wrong, shift all "
            + "waits of a while by more. So a p90 follows how far earlier waits missed their means, an outcome "
            + "weighing as much of a wait as it stands for: a queue that only grows is promised too much for a while. On the recorded "
            + "trace it is a test: 90 to 92 % at 1.75 to 2.5 times its rate on two A100.");
    }

    private static IEnumerable<ReproductionRow> Operations(QlmResults r)
    {
        foreach (var system in QlmResults.Ablation.Skip(1))
        {
            var losses = Traffics(system)
                .Select(t => (Traffic: t, Loss: r.Without(t, QlmSystem.Qlm).Attainment - r.Without(t, system).Attainment)).ToArray();
            var most = losses.MaxBy(l => l.Loss);
            yield return new(
                $"QLM {Lower(system.Name)} keeps fewer promises", Inferred("every operation helps"), $"{Points(-most.Loss)} "
                    + $"({most.Traffic})", most.Loss >= Notable,
                string.Join("; ", losses.Select(l =>
                    $"{l.Traffic} {Percent(r.Without(l.Traffic, system).Attainment)} instead of "
                        + $"{Percent(r.Without(l.Traffic, QlmSystem.Qlm).Attainment)}"))
                + $", all at {Load(QlmResults.Overload)}. {AblationNote(r, system, most.Loss >= Notable)}".TrimEnd());
        }
    }

    private static IEnumerable<ReproductionRow> Settings(QlmResults r)
    {
        double[] attained = [.. r.GroupCaps.Select(c => r.Capped("W_C", c).Attainment)];
        var atFour = r.Capped("W_C", 4).Attainment;
        var moves = r.GroupCaps.Select(c => Moves(r.Capped("W_A", c))).ToArray();
        yield return new(
            "group cap of 4 batches: nearly the attainment of the best cap", Recalled("4 chosen"), $"{Points(atFour - attained.Max())} "
                + $"off the best", attained.Max() - atFour <= 0.02,
            $"W_C at {Load(QlmResults.Overload)}, caps from {r.GroupCaps[0]} to {r.GroupCaps[^1]}: "
                + $"{PercentRange(attained.Min(), attained.Max())}. "
            + $"On W_A the search tries {moves[0]:N0} moves with the smallest cap and {moves[^1]:N0} with the largest.");

        double[] leads = [.. r.A10Shares.Select(s => MixLead(r, s))];
        yield return new(
            "A10 and A100 in any mix: QLM ahead of vLLM", Inferred("in every mix"), $"{Points(leads.Min())} to "
                + $"{Points(leads.Max())}", leads.Min() >= Notable,
            $"W_A at {Load(QlmResults.Overload)} times what each mix sustains. Least outstanding requests, vLLM's balancing, "
                + $"does not know that an A10 serves a "
            + "seventh of an A100.");
    }

    private static string WhyFar(QlmResults r, QlmSystem other) =>
        $" More than the paper's: it orders single requests of {QlmFleet.Models.Count} models, so an engine loads a model "
        + $"{r.Run("W_B", other, QlmResults.Overload).LoadsPerThousand:F0} times per 1,000 requests, and each load waits for the longest "
        + "answer that still runs, with nearly nobody beside it. A baseline with fewer models per engine, or that batches by model "
        + "as SHEPHERD does, is within the range; how the paper's spread its models is not known to us.";

    private static string WhyMany(QlmResults r)
    {
        var (none, long10) = (r.Without("W_B", QlmResults.Stays[0]), r.Without("W_B", QlmResults.Stays[1]));
        return "Every change of model costs the time of the longest answer that still runs besides the load, and the first load "
            + $"comes from disk. With no stay {none.RequestsPerSecond:F1} a second and {Percent(none.Attainment)}, with a stay of "
            + $"ten loads {long10.RequestsPerSecond:F1} and {Percent(long10.Attainment)}.";
    }

    private static QlmSystem WithoutEviction => QlmResults.Ablation.Single(s => s.Settings.Contains("eviction=off"));

    /// <summary>Swapping means nothing to one model.</summary>
    private static string[] Traffics(QlmSystem system) => system.Settings.Contains("swapping=off") ? ["W_B"] : ["W_A", "W_B", "W_C"];

    private static string AblationNote(QlmResults r, QlmSystem system, bool helps) => (system.Settings[0], helps) switch
    {
        ("swapping=off", true) => "Models that no engine began with are never served.",
        ("swapping=off", false) when r.Without("W_B", system).Failed == 0 =>
            "So many engines begin with every model at this size that no load is needed.",
        ("swapping=off", false) => $"{r.Without("W_B", system).Failed / (double)r.Traffic.B.Requests.Length * 100:F1} % are "
            + $"never served, for want of an engine with their model; "
            + "the others are served at once, and loads cost more than that.",
        (_, true) => "",
        ("eviction=off", _) => "A place comes free every few dozen milliseconds, so interactive requests that stand first need "
            + "not take one.",
        ("balancing=off", _) => "Idle engines take over groups of the longest queues also without it.",
        ("planner=edf", _) => "With three promises of one model the earliest deadline is already the best order; the search can "
            + "only tie.",
        _ => "The engines' own queues are short at this load.",
    };

    private static string OneClassNote(QlmResults r)
    {
        var (qlm, vllm) = (r.Run("one class", QlmSystem.Qlm, QlmResults.Overload), r.Run("one class", QlmSystem.Vllm, QlmResults.Overload));
        var edf = r.Without("one class", QlmResults.Ablation[^1]);
        return $"At {Load(QlmResults.Overload)}: {Percent(qlm.Attainment)} against {Percent(vllm.Attainment)}, and "
            + $"{Percent(edf.Attainment)} with EDF for the search, so the order matters "
            + $"little. QLM sends an engine only what its KV holds: it computes {qlm.PrefillShare:F2} of the prompts' tokens "
            + $"and serves {qlm.RequestsPerSecond:F1} a second, where vLLM's engines "
            + $"take in all, preempt and compute {vllm.PrefillShare:F2} at {vllm.RequestsPerSecond:F1}.";
    }

    private static string WhyEdf(QlmResults r) =>
        " With one model and deadlines that all can be met EDF is optimal, and it decides per request where QLM decides per group.";

    private static double ChatShare(QlmResults r)
    {
        var (chat, all) = (0L, 0L);
        for (var i = 0; i < r.Traffic.C.Requests.Length; i++)
        {
            var tokens = r.Traffic.C.Requests[i].PromptTokens + r.Traffic.C.OutputTokens[i];
            all += tokens;
            if (r.Traffic.C.Requests[i].Slo.Ttft < TimeSpan.FromHours(1)) chat += tokens;
        }

        return chat / (double)all;
    }

    public static long Moves(QlmRun run) => run.Plans.Scheduler is Policies.Qlm qlm ? qlm.Counts.Moves : 0;

    /// <summary>What the full size leaves out to finish in minutes.</summary>
    public static string Reduced(QlmResults r) =>
        $"less is done than at the small one, to finish in minutes: W_B has {r.DrawsOfMany} draw of "
        + $"{r.Traffic.B.Requests.Length:N0} requests, and there are {r.GroupCaps.Count} group caps, "
        + $"{r.QueueLengths.Count} queue lengths and {r.A10Shares.Count} mixes.";

    private static string Lower(string name) => name.StartsWith("EDF", StringComparison.Ordinal) ? "with " + name : name;

    public static string Load(double load) => string.Create(CultureInfo.InvariantCulture, $"{load:0.##}");

    public static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{share * 100:F1} %");

    public static string Points(double difference) => string.Create(CultureInfo.InvariantCulture, $"{difference * 100:F1} points");

    public static string Times(double factor) => string.Create(CultureInfo.InvariantCulture, $"{factor:F1}×");

    private static string TimesRange(double from, double to) => string.Create(CultureInfo.InvariantCulture, $"{from:F1}-{to:F1}×");

    private static string PercentRange(double from, double to) =>
        string.Create(CultureInfo.InvariantCulture, $"{from * 100:F1}-{to * 100:F1} %");

    private static string Three(double value) => string.Create(CultureInfo.InvariantCulture, $"{value:F3}");
}
