using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Shortest predicted remaining answer first, with predictions that improve while the answer grows, and no preemption once
/// a share of the first prediction is out.</summary>
/// <remarks>
/// Source: Shahout et al., "Don't Stop Me Now: Embedding Based Scheduling for LLMs" (ICLR 2025): rank what is predicted to be left;
/// a sequence with at least floor(C·r) tokens out, r the prediction at arrival, stays to the end, because by then it holds much KV and
/// has little to go. C = 1 is SPRPT, C = 0 is shortest prediction first without preemption. The refined prediction is the length
/// predictor's (<see cref="ILengthPredictor.Refine"/>); the paper's reads embeddings of the model, which nobody outside an engine
/// sees. It is read anew every <see cref="RefineTokens"/> tokens.
/// </remarks>
/// <param name="c">C, 0 to 1.</param>
public sealed class Trail(double c, EngineContext context) : IRank
{
    /// <summary>Tokens between two refinements. The paper refines with each; the error changes slowly.</summary>
    public const int RefineTokens = 16;

    /// <summary>Without refinement: who runs sinks towards the front or stays there, who waits stands still.</summary>
    public bool IsStable => context.Lengths is not { Refines: true };

    public double Of(in RankView view)
    {
        var age = view.Age;
        if (view.HasBegun && age >= Math.Floor(c * view.Predicted.Mean) && c < 1) return double.NegativeInfinity;
        if (context.Lengths is null || age < RefineTokens) return view.Predicted.Mean - age;
        return context.Lengths.Refine(view.Request, view.Predicted, age - age % RefineTokens).Mean - age;
    }
}
