using Sluice.Core;
using Sluice.Policies;

namespace Sluice.Testing;

/// <summary>The systems that a property is tried on: every line of the catalog, and settings that change the path
/// taken.</summary>
public static class Systems
{
    private static readonly string[] s_kv = ["paged", "prefix-cache", "reserve-max", "reserve-pow2", "reserve-oracle"];

    private static readonly string[] s_routers =
        ["least-outstanding", "round-robin", "random", "two-choices", "least-kv", "prefix-affinity", "sal"];

    public static IEnumerable<string> Names => Catalog.Entries.Select(e => e.Name);

    /// <summary>Every line with every kind of KV memory, and the variants of <see cref="Variants"/>.</summary>
    public static IEnumerable<string> Lines =>
        Names.SelectMany(name => s_kv.Select(kv => $"{name} kv={kv}")).Concat(Variants);

    public static IEnumerable<string> Variants =>
    [
        "vllm-v0 preemption=swap", "vllm-v0 preemption=swap kv=prefix-cache", "vllm-v0 watermark=0.2", "vllm-v1 order=priority",
        "vllm-v1 chunk-tokens=7", "srpt length=exponential", "srpt length=noisy kv=prefix-cache", "sjf length=exponential",
        "vtc fair-weights=1:3", "qlm fair=vtc", "edf-swap fair=vtc", "shepherd fair=vtc",
        "srpt rank=bounce", "srpt rank=gittins", "srpt rank=las length=learned", "srpt rank=one-bit-stay threshold=10", "trail c=0.5", "lamps handling=swap starved-after=0", "lamps handling=preserve order=arrival starved-after=3",
        "lamps chosen=call calls=oracle order=length starved-after=0",
        "ltr-rank starved-after=20 quantum=3", "ltr-rank preemption=recompute length=oracle", "niyama chunk=64 relegate=no",
        "rps-serve passed-over=recompute", "rps-serve policy=catfcfs classifier=naive",
        "s3 length=noisy bucket-tokens=4", "pia length=noisy alike-tokens=4", "fastserve quantum=2 starved-after=20",
        "sa-slo batches=wait objective=raw trials=5", "sa-slo age-cap=1 batch-size=2 trials=5",
    ];

    /// <param name="line">A name and settings, separated by blanks.</param>
    /// <param name="more">Further settings; those the system does not have are left out, because a system with a queue of its
    /// own has no router.</param>
    public static ServingSystem Make(string line, params IEnumerable<string> more)
    {
        var words = line.Split(' ');
        var known = new PolicySettings(new Dictionary<string, string>());
        Catalog.Make(words[0], known);
        return A.System(words[0], words.Skip(1).Concat(more.Where(m => known.Read.Any(k => m.StartsWith(k.Key + '=')))));
    }

    /// <summary>Settings of the stages outside the engine, at random.</summary>
    public static string[] OuterStages(ref Rng rng)
    {
        string[] settings =
        [
            $"router={s_routers[rng.Next(s_routers.Length)]}",
            $"queue={(rng.Next(3) switch { 0 => "fcfs", 1 => "edf", _ => "priority" })}",
        ];
        return rng.Next(4) == 0 ? [.. settings, $"queue-max={1 + rng.Next(10)}"] : settings;
    }
}
