using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Predicted output less what is already produced: SRPT with exact predictions, SPRPT with others, where a sequence
/// past its prediction ranks below zero and is not displaced again.</summary>
/// <remarks>Source: Mitzenmacher and Shahout, "Queueing, Predictions, and LLMs" (2025), rank z − a. Counts output tokens
/// only: prompts are one unit of service. Running sequences sink together and waiting ones stand still, so the order is
/// stable between arrivals and ends.</remarks>
public sealed class ShortestRemaining : IRank
{
    public bool IsStable => true;
    public double Of(in RankView view) => view.Predicted.Mean - view.Age;
}
