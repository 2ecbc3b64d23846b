using Sluice.Core;

namespace Sluice.Cli;

/// <summary>Writes down what every step computes, while it is on.</summary>
internal sealed class StepLog(IIterationScheduler inner) : IterationDecorator(inner)
{
    private readonly List<BatchShape> _shapes = [];

    public bool IsOn { get; set; }

    public override void Compose(Step step)
    {
        base.Compose(step);
        if (IsOn && step.Shape is { } shape && shape.PrefillTokens + shape.DecodeSequences > 0) _shapes.Add(shape);
    }

    /// <summary>What these steps should have taken together.</summary>
    public TimeSpan TimeBy(IStepTimeModel model) =>
        TimeSpan.FromMilliseconds(_shapes.Sum(shape => model.StepTime(in shape) / 1e12));
}
