using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Where a system can run.</summary>
[Flags]
public enum Drivers
{
    Simulator = 1,

    /// <summary>Our own engine, whose iteration loop it decides.</summary>
    Engine = 2,

    /// <summary>Engines elsewhere, from outside.</summary>
    Remote = 4,
}

/// <summary>A line of the catalog.</summary>
/// <param name="Stages">The stages it changes, comma separated.</param>
/// <param name="Waits">How long a request can be passed over.</param>
public sealed record CatalogEntry(
    string Name, string Summary, string Source, string Stages, Drivers Drivers, WaitBound Waits,
    Func<PolicySettings, SystemChoice> Make);

/// <summary>What a catalog line brings: the stages it does not name come from the shared settings.</summary>
/// <param name="Kv">KV cache by default, as in <c>--set kv=…</c>.</param>
/// <param name="Scheduler">Global scheduler; null for a queue per model with a router in front.</param>
/// <param name="Length">Length predictor by default, as in <c>--set length=…</c>.</param>
/// <param name="Fair">How tenants share by default, as in <c>--set fair=…</c>.</param>
public sealed record SystemChoice(
    Func<EngineContext, IIterationScheduler> Iteration, string Kv = "paged", Func<PolicyContext, IGlobalScheduler>? Scheduler = null,
    string Length = "oracle", string Fair = "none");

/// <summary>Every system by name. To add one: write its folder, add its line.</summary>
public static class Catalog
{
    private const Drivers InEngine = Drivers.Simulator | Drivers.Engine;

    private static readonly WaitBound s_shortestFirst = WaitBound.None("shorter requests go first for as long as they come");

    /// <summary>In the order they should be listed.</summary>
    public static IReadOnlyList<CatalogEntry> Entries { get; } =
    [
        new("vllm-v1", "running first, chunked prefill, preemption by recompute",
            "vLLM v1 scheduler", "iteration scheduling", InEngine,
            WaitBound.InOrder, VllmV1),
        new("vllm-v0", "prompts first and whole, preemption by recompute or swap",
            "Kwon et al., SOSP 2023; vLLM before v1", "iteration scheduling", InEngine,
            WaitBound.InOrder, VllmV0),
        new("sarathi", "chunked prefill beside decodes, whole prompt reserved",
            "Agrawal et al., OSDI 2024", "iteration scheduling", InEngine,
            WaitBound.InOrder,
            s => Run(new() { ReserveWholePrompt = true, Watermark = Watermark(s) })),
        new("orca", "batched by iteration, KV reserved for the longest answer",
            "Yu et al., OSDI 2022", "iteration scheduling, KV cache", InEngine,
            WaitBound.InOrder,
            _ => new(static _ => new IterationLevel(), "reserve-max")),
        new("static", "a batch runs until its longest answer is done", "FasterTransformer", "iteration scheduling", InEngine,
            WaitBound.InOrder,
            _ => new(static _ => new StaticBatching(), "reserve-max")),
        new("edf", "vllm-v1, waiting queue by earliest deadline", "Dertouzos, 1974",
            "iteration scheduling", InEngine,
            WaitBound.ByPromise, _ => Run(new(), new ByDeadline())),
        new("sjf", "vllm-v1, waiting queue by shortest predicted answer", "classical",
            "iteration scheduling, length prediction", InEngine,
            s_shortestFirst, _ => Run(new(), new ByPredictedLength())),
        new("srpt", "shortest predicted remaining answer first, preemptive",
            "Schrage, 1968; Mitzenmacher and Shahout, 2025", "iteration scheduling, length prediction", InEngine,
            s_shortestFirst, ByRank),
        new("trail", "shortest predicted remaining, none preempted late",
            "Shahout et al., ICLR 2025", "iteration scheduling, length prediction", InEngine,
            s_shortestFirst, Trail),
        new("lamps", "tool calls keep, move or drop KV; least memory first",
            "Shahout et al., arXiv 2410.18248", "iteration scheduling, length prediction", InEngine,
            WaitBound.None("less memory over time goes first, and newcomers are not guarded; guards=all bounds it"), CallsTools),
        new("ltr-rank", "shortest predicted answer first, preemptive by swap",
            "Fu et al., NeurIPS 2024", "iteration scheduling, length prediction", InEngine,
            WaitBound.None("shorter answers go first; starved-after=200 bounds it"), LearnedRank),
        new("niyama", "classes share engines: slack-sized chunks, relegation",
            "Goel et al., ASPLOS 2026", "admission, iteration scheduling", InEngine,
            WaitBound.None("a late request steps back behind all that can be in time, without ageing"), Niyama),
        new("slos-serve", "admits what it can guarantee, else tries the next",
            "Chen et al., 2025", "admission, iteration scheduling", InEngine,
            WaitBound.None("best effort has what the admitted leave"), PlanAndAdmit),
        new("jitserve", "value per remaining time, in a window of like lengths",
            "Zhang et al., NSDI 2026", "length prediction, iteration scheduling", InEngine,
            WaitBound.None("late work is worth nothing"), JustInTime),
        new("rps-serve", "text passes images and videos; everybody ages",
            "Papaioannou and Doudali, 2026", "iteration scheduling", InEngine,
            WaitBound.OfAge(600, "passed only by who comes within age-cap, 600 s, of it"), RocksPebblesSand),
        new("larry", "first come; large prompts put back under memory pressure",
            "Kossmann et al., 2024", "iteration scheduling", InEngine,
            WaitBound.OfAge(600, "put back by put-back-max, 600 s, at most"), LargePromptsBack),
        new("no-preempt", "vllm-v1 with KV reserved for the longest answer",
            "TensorRT-LLM's guaranteed mode, as in Kossmann et al., 2024", "iteration scheduling, KV cache", InEngine,
            WaitBound.InOrder,
            _ => new(static _ => new RunningFirst(new()), "reserve-max")),
        new("s3", "KV set aside for a predicted answer, doubled if outgrown",
            "Jin et al., NeurIPS 2023, as in Kossmann et al., 2024", "iteration scheduling, length prediction", InEngine,
            WaitBound.InOrder, SetAside),
        new("pia", "static batches of alike predicted answers",
            "Zheng et al., NeurIPS 2023, as in Kossmann et al., 2024", "iteration scheduling, length prediction", InEngine,
            new(WaitLimit.Before, "each batch is led by who came first; those like the leader may join it"), AlikeAnswers),
        new("fastserve", "feedback queue that long prompts join lower, swapping",
            "Wu et al., 2023, as in Kossmann et al., 2024", "iteration scheduling", InEngine,
            new(WaitLimit.Steps, "passed over by starved-after, 5,000 steps, before each 10 tokens", 5000), FeedbackQueue),
        new("scls", "static batches of one slice of tokens, from a pool",
            "Cheng et al., 2024", "iteration scheduling, global scheduling", Drivers.Simulator,
            new(WaitLimit.Before, "every round takes all that wait; each slice waits for its round"), Slices),
        new("sa-slo", "order and batches annealed for promises kept per latency",
            "Huang et al., 2025", "iteration scheduling, global scheduling", Drivers.Simulator,
            WaitBound.OfAge(600, "passed only by who comes within age-cap, 600 s, of it"), Annealed),
        new("qlm", "groups in virtual queues: pull, evict, load models",
            "Patke et al., SoCC 2024", "grouping, waiting-time estimate, global scheduling",
            Drivers.Simulator | Drivers.Remote,
            WaitBound.None("late work stands behind what can still be in time, and is evicted for it"), QueueManager),
        new("fcfs-swap", "first come per engine, models swapped for the head",
            "what QLM compares with as vLLM", "global scheduling", Drivers.Simulator,
            WaitBound.InOrder,
            _ => Run(new(), c => new FirstComeSwap(c.Fleet))),
        new("edf-swap", "earliest deadline first over all models, swapping freely",
            "what QLM compares with as EDF", "global scheduling", Drivers.Simulator,
            WaitBound.ByPromise,
            _ => Run(new(), c => new EarliestDeadlineSwap(c.Fleet))),
        new("vtc", "the tenant that was served least goes first",
            "Sheng et al., OSDI 2024", "global scheduling", Drivers.Simulator | Drivers.Remote,
            new(WaitLimit.Share, "in order within a tenant; others pass it until they were served as much as its tenant"),
            _ => new(static _ => new RunningFirst(new()), Length: "learned", Fair: "vtc")),
        new("shepherd", "batches planned from exact times, with preemption",
            "Zhang et al., NSDI 2023, as in QLM", "grouping, global scheduling", Drivers.Simulator,
            WaitBound.ByPromise, PlanBatches),
    ];

    /// <exception cref="InputException">No such system, or a setting it does not have.</exception>
    public static ServingSystem Make(string name, PolicySettings settings)
    {
        var entry = Entries.FirstOrDefault(e => e.Name == name);
        if (entry is null)
        {
            string[] names = [.. Entries.Select(e => e.Name)];
            throw new InputException(
                $"--system {name}: no such system{Nearest.Hint(name, names)}. Known: {string.Join(", ", names)}.");
        }

        var choice = entry.Make(settings);
        var policies = Stages.Read(settings, choice);
        var kv = Stages.Kv(settings, choice.Kv);
        var ranges = Stages.Ranges(settings);
        settings.RefuseUnread(name);
        return new()
        {
            Name = settings.Given.Count == 0 ? name : $"{name} ({string.Join(", ", settings.Given)})",
            Iteration = context => choice.Iteration(context ?? EngineContext.Bare),
            Policies = policies,
            Kv = kv,
            Ranges = ranges,
        };
    }

    private static SystemChoice VllmV1(PolicySettings s)
    {
        var chunk = s.Whole("chunk-tokens", "most prompt tokens of one sequence in a step, 0 for the whole budget", 0, 0, 1 << 20);
        var isPriority = s.Word("order", "waiting queue and victims", "fcfs", "priority") == "priority";
        return Run(new() { ChunkTokens = chunk }, isPriority ? new ByPriority() : null);
    }

    private static SystemChoice VllmV0(PolicySettings s)
    {
        var options = new PrefillFirstOptions
        {
            Preemption = s.Word("preemption", "when blocks are short", "recompute", "swap") == "swap" ? GiveWay.Swap : GiveWay.Recompute,
            Watermark = Watermark(s),
        };
        return new(_ => new PrefillFirst(options));
    }

    private static SystemChoice QueueManager(PolicySettings s)
    {
        var options = QlmOptions.Read(s);
        return new(
            static _ => new RunningFirst(new()), Scheduler: context => new Qlm(options, context.Fleet), Length: "learned");
    }

    private static SystemChoice Niyama(PolicySettings s)
    {
        var options = NiyamaOptions.Read(s);
        return new(_ => new Niyama(options), Length: "learned");
    }

    private static SystemChoice PlanAndAdmit(PolicySettings s)
    {
        var options = SlosServeOptions.Read(s);
        var tries = s.Whole("tries", "engines asked for one request, 0 for all", 0, 0, 1000);
        return new(_ => new SlosServe(options), Scheduler: c => new TryNext(tries, c.Fleet?.Engines ?? 1));
    }

    private static SystemChoice ByRank(PolicySettings s)
    {
        var rank = s.Word(
            "rank", "what goes first", "srpt", "bounce", "pspjf", "spjf", "las", "gittins", "one-bit", "one-bit-stay", "skip-predict",
            "delay-predict");
        var threshold = s.Number("threshold", "tokens from which an answer is long, for one-bit and skip- and delay-predict", 256, 1, 1e9);
        var errs = s.Number("errs", "share of wrong bits of skip-predict", 0, 0, 1);
        return new(c => new Ranked(rank switch
        {
            "bounce" => new BouncingRemaining(),
            "pspjf" => new ShortestPredicted(isPreemptive: true),
            "spjf" => new ShortestPredicted(isPreemptive: false),
            "las" => new LeastAttained(),
            "gittins" => new Gittins(),
            "one-bit" => new OneBit(threshold, isPreemptive: true),
            "one-bit-stay" => new OneBit(threshold, isPreemptive: false),
            "skip-predict" => new SkipPredict(threshold, errs, c),
            "delay-predict" => new DelayPredict(threshold),
            _ => new ShortestRemaining(),
        }));
    }

    private static SystemChoice Trail(PolicySettings s)
    {
        var c = s.Number("c", "share of the predicted answer after which nobody is preempted; 1 is SPRPT, 0 is SPJF", 0.8, 0, 1);
        return new(context => new Ranked(new Trail(c, context)), Length: "refined");
    }

    private static SystemChoice CallsTools(PolicySettings s)
    {
        var options = LampsOptions.Read(s);
        return new(context => new Lamps(options, context));
    }

    private static SystemChoice LearnedRank(PolicySettings s)
    {
        var options = new RankedOptions
        {
            GiveWay = s.Word("preemption", "when blocks are short", "swap", "recompute") == "swap" ? GiveWay.Swap : GiveWay.Recompute,
            StarvedAfter = s.Whole("starved-after", "steps passed over after which a request goes first, 0 for never", 0, 0, 1 << 20),
            Quantum = s.Whole("quantum", "steps it then stays first", 10, 1, 1 << 20),
        };
        return new(_ => new Ranked(new ShortestPredicted(isPreemptive: true), options), Length: "ranker");
    }

    private static SystemChoice JustInTime(PolicySettings s)
    {
        var options = JitServeOptions.Read(s);
        return new(context => new JitServe(options, context), Length: "programs");
    }

    private static SystemChoice RocksPebblesSand(PolicySettings s)
    {
        var options = RpsOptions.Read(s);
        var classifier = new SizeClassifier(options.Rule, options.Estimate);
        return new(_ => new RpsServe(options, classifier));
    }

    private static SystemChoice SetAside(PolicySettings s)
    {
        var bucket = s.Whole("bucket-tokens", "least tokens of answer set aside; others are powers of two times it", 32, 1, 1 << 20);
        return new(_ => new S3(bucket));
    }

    private static SystemChoice AlikeAnswers(PolicySettings s)
    {
        var least = s.Whole("alike-tokens", "answers up to so long are alike; longer ones up to powers of two times it", 32, 1, 1 << 20);
        return new(_ => new Pia(least));
    }

    private static SystemChoice FeedbackQueue(PolicySettings s)
    {
        var quantum = s.Whole("quantum", "decode steps of the highest level; each below has twice as many", 16, 1, 1 << 20);
        var perStep = s.Whole("tokens-per-step", "prompt tokens that take as long as a decode step", 256, 1, 1 << 20);
        var levels = s.Whole("levels", "levels of the queue", 6, 1, 24);
        var options = new RankedOptions
        {
            GiveWay = GiveWay.Swap,
            StarvedAfter = s.Whole("starved-after", "steps passed over after which a request goes first, 0 for never", 5000, 0, 1 << 20),
        };
        return new(_ => new Ranked(new SkipJoin(quantum, perStep, levels), options));
    }

    private static SystemChoice Slices(PolicySettings s)
    {
        var options = SclsOptions.Read(s);
        return new(
            _ => new StaticBatching(options.SliceTokens), Scheduler: context => new Scls(options, context.Fleet), Length: "learned");
    }

    private static SystemChoice Annealed(PolicySettings s)
    {
        var options = SaSloOptions.Read(s);
        return Run(new(), context => new SaSlo(options, context));
    }

    private static SystemChoice LargePromptsBack(PolicySettings s)
    {
        var from = s.Number("pressure-from", "memory pressure at which large prompts begin to be put back", 0.7, 0, 1);
        var options = new LarryOptions
        {
            PressureFrom = from,
            PressureTo = s.Number("pressure-to", "pressure at which they are put back in full", Math.Max(1, from + 0.01), from + 0.01, 2),
            LargestMax = s.Number("largest-max", "a prompt counts as at most so many mean prompts", 8, 1, 1000),
            Waits = s.Number("waits", "a mean prompt is put back by so many mean waits", 2, 0, 1000),
            PutBackMax = s.Number("put-back-max", "nobody is put back by more, however long waits grow [s]", 600, 0, 1e6),
        };
        return new(_ => new Larry(options));
    }

    private static double Watermark(PolicySettings s) =>
        s.Number("watermark", "share of KV blocks that admission leaves free", 0.01, 0, 0.5);

    private static SystemChoice PlanBatches(PolicySettings s)
    {
        var options = ShepherdOptions.Read(s);
        return Run(new(), c => new Shepherd(c.Fleet, options));
    }

    /// <summary>vllm-v1's engines below a global scheduler; lengths are learned, because no such system knows them.</summary>
    private static SystemChoice Run(RunningFirstOptions options, Func<PolicyContext, IGlobalScheduler> scheduler) =>
        new(_ => new RunningFirst(options, null), Scheduler: scheduler, Length: "learned");

    private static SystemChoice Run(RunningFirstOptions options, IWaitingOrder? order = null) =>
        new(_ => new RunningFirst(options, order));
}
