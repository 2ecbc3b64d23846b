namespace Sluice.Cli;

/// <summary>QLM's evaluation: interactive and batch requests of one and of many models on one fleet, against EDF, SHEPHERD
/// and vLLM's first come, first served.</summary>
/// <remarks>Devices in <see cref="QlmFleet"/>, traffic in <see cref="QlmTraffic"/>, measurements in <see cref="QlmResults"/>
/// and <see cref="QlmEstimates"/>, comparison in <see cref="QlmRows"/>.</remarks>
public sealed class QlmReproduction : IReproduction
{
    public string Name => "qlm";

    public string Title => "Queue Management for SLO-Oriented Large Language Model Serving (Patke et al., SoCC 2024)";

    public string About =>
        "Requests are grouped, groups are ordered in a virtual queue per engine by their predicted waits, and engines pull, "
            + "evict and "
        + "swap models by that order, so that more promises are kept.";

    public ReproductionResult Run(ReproductionContext context)
    {
        var results = new QlmResults(context);
        return new(QlmRows.Make(results), QlmSections.Make(results));
    }
}
