using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Where every workload comes from: a recorded file or a description.</summary>
public static class WorkloadSource
{
    /// <summary>The first words a description can have.</summary>
    public static IReadOnlyList<string> Kinds { get; } = [SampleTrace.Name, .. ArrivalProcess.Kinds, "programs", "servegen"];

    /// <exception cref="InputException">The file or an option cannot be used; the message says where and why.</exception>
    public static Workload FromTrace(string path, TraceFormat format, TraceOptions options) =>
        TraceReader.Read(path, format, options);

    /// <param name="spec"><c>sample</c>, <c>poisson:rate=2,n=2000,prompt=512,output=128</c>, <c>programs:…</c>,
    /// <c>servegen:…</c> and so on; several with <c>|</c> between them are laid over each other.</param>
    /// <param name="rng">Equal generators give equal workloads.</param>
    /// <exception cref="InputException">The description cannot be used.</exception>
    public static Workload FromSpec(string spec, Rng rng)
    {
        var parts = Spec.Split(spec, '|');
        return parts.Count == 1
            ? FromOne(spec, rng)
            : WorkloadMerge.Of([.. parts.Select((part, i) => FromOne(part, rng.Fork($"part {i}")))]);
    }

    private static Workload FromOne(string spec, Rng rng)
    {
        var parsed = new Spec(spec);
        return parsed.Kind switch
        {
            SampleTrace.Name => Sample(parsed),
            "programs" => ProgramWorkload.Create(parsed, rng),
            "servegen" => ServeGenWorkload.Create(parsed, rng),
            var kind when ArrivalProcess.Kinds.Contains(kind) => GeneratedWorkload.Create(parsed, rng),
            var kind => throw new InputException($"'{kind}' is no kind of workload: {Nearest.HintAndList(kind, Kinds)}"),
        };
    }

    private static Workload Sample(Spec spec)
    {
        var count = spec.Count("n", 1, 1_000_000, fallback: 2000);
        spec.Finish();
        return SampleTrace.Create(count);
    }
}
