using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Stages that every system shares and any run can set: routing, length prediction, admission, queue order,
/// KV.</summary>
internal static class Stages
{
    public static Func<PolicyContext, PolicySet> Read(PolicySettings settings, SystemChoice choice)
    {
        var scheduler = Shared(settings, choice, choice.Scheduler ?? Routed(settings));
        var lengths = Lengths(settings, choice.Length);
        var queueMax = settings.Whole("queue-max", "requests that may wait in the dispatcher", int.MaxValue, 1, int.MaxValue);
        return context => new PolicySet(
            queueMax == int.MaxValue ? new AcceptAll() : new QueueLimit(queueMax), lengths(context),
            scheduler(context));
    }

    public static KvKind Kv(PolicySettings settings, string byDefault = "paged")
    {
        string[] words = ["paged", "prefix-cache", "reserve-max", "reserve-pow2", "reserve-oracle"];
        var value = settings.Word(
            "kv", "where KV lives", [byDefault, .. words.Where(w => w != byDefault)]);
        return (KvKind)Array.IndexOf(words, value);
    }

    /// <summary>Buddy unless asked otherwise: the baselines that reserve are those of PagedAttention, which use it.</summary>
    public static ReservationPolicy Ranges(PolicySettings settings) =>
        settings.Word("kv-ranges", "how kv=reserve-… finds contiguous memory", "buddy", "first-fit") == "buddy"
            ? ReservationPolicy.Buddy
            : ReservationPolicy.FirstFit;

    /// <summary>Moving running requests and fair to tenants, if it is to be.</summary>
    private static Func<PolicyContext, IGlobalScheduler> Shared(
        PolicySettings settings, SystemChoice choice, Func<PolicyContext, IGlobalScheduler> scheduler)
    {
        var isFair = settings.Word(
            "fair", "whose request goes first among requests of one class", choice.Fair, choice.Fair == "vtc" ? "none" : "vtc") == "vtc";
        var weights = settings.Numbers("fair-weights", "shares of tenants, in their order", 0.001, 1000);
        var moves = settings.Number("moves", "seconds between moves of running requests to engines with fewer, 0 for none", 0, 0, 3600);
        Func<PolicyContext, IGlobalScheduler> inner =
            moves > 0 ? context => Rebalancer.Around(scheduler(context), TimeSpan.FromSeconds(moves)) : scheduler;
        return isFair ? context => FairShare.Around(inner(context), new() { Weights = weights }) : inner;
    }

    private static Func<PolicyContext, IGlobalScheduler> Routed(PolicySettings settings)
    {
        var router = Router(settings);
        var order = QueueOrder(settings);
        return context => new RoutedQueue(router(context), order);
    }

    private static Func<PolicyContext, IRouter> Router(PolicySettings settings) =>
        settings.Word(
            "router", "which engine takes a request", "least-outstanding", "round-robin", "random", "two-choices", "least-kv",
            "prefix-affinity", "sal") switch
        {
            "round-robin" => _ => new RoundRobin(),
            "random" => c => new RandomChoice(c.Rng.Fork("router")),
            "two-choices" => c => new TwoChoices(c.Rng.Fork("router")),
            "least-kv" => _ => new LeastKv(),
            "prefix-affinity" => _ => new PrefixAffinity(new()),
            "sal" => _ => new TokenMemoryAware(new()),
            _ => _ => new LeastOutstanding(),
        };

    private static Func<PolicyContext, ILengthPredictor> Lengths(PolicySettings settings, string byDefault)
    {
        var sigma = settings.Number("length-sigma", "spread of length=noisy or refined, standard deviation of the logarithm", 0.5, 0.01, 5);
        string[] words = ["oracle", "noisy", "refined", "exponential", "learned", "ranker", "histogram", "programs"];
        return settings.Word("length", "output length prediction", [byDefault, .. words.Where(w => w != byDefault)]) switch
        {
            "noisy" => c => new NoisyLength(TruthOf(c), c.Rng.Fork("length"), sigma),
            "refined" => c => new RefinedLength(TruthOf(c), c.Rng.Fork("length"), sigma),
            "exponential" => c => new NoisyLength(TruthOf(c), c.Rng.Fork("length"), 0),
            "learned" => _ => new LearnedLength(),
            "histogram" => _ => new HistogramLength(),
            "programs" => _ => new JitLengths(),
            "ranker" => _ => new RankedLength(),
            _ => c => c.TrueLength is { } truth ? new OracleLength(truth) : new LearnedLength(),
        };
    }

    private static IRequestOrder? QueueOrder(PolicySettings settings) =>
        settings.Word("queue", "order of the dispatcher's queue", "fcfs", "edf", "priority") switch
        {
            "edf" => new RequestsByDeadline(),
            "priority" => new RequestsByPriority(),
            _ => null,
        };

    private static Func<Request, int> TruthOf(PolicyContext context) =>
        context.TrueLength ?? throw new InputException("--set length=noisy: true lengths are known in simulation only.");
}
