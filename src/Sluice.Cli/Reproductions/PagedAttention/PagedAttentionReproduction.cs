namespace Sluice.Cli;

/// <summary>vLLM's paper on OPT-13B and one A100-40GB: paged KV memory against contiguous reservation.</summary>
/// <remarks>Constants in <see cref="Opt13b"/>, traffic in <see cref="PagedAttentionTraffic"/>, measurements in
/// <see cref="PagedAttentionResults"/>, comparison in <see cref="PagedAttentionRows"/>.</remarks>
public sealed class PagedAttentionReproduction : IReproduction
{
    public string Name => "pagedattention";

    public string Title =>
        "Efficient Memory Management for Large Language Model Serving with PagedAttention (Kwon et al., SOSP 2023)";

    public string About =>
        "KV memory in small blocks instead of one range per request lets more requests run together, so one GPU sustains a "
        + "higher rate.";

    public ReproductionResult Run(ReproductionContext context)
    {
        var results = new PagedAttentionResults(context);
        return new(PagedAttentionRows.Make(results), PagedAttentionSections.Make(results));
    }
}
