using Sluice.Core;

namespace Sluice.Policies;

public sealed record LarryOptions
{
    /// <summary>Memory pressure at which large prompts begin to be put back, 0 to 1. [I]</summary>
    public double PressureFrom { get; init; } = 0.7;

    /// <summary>Pressure at which they are put back in full, above <see cref="PressureFrom"/>. [I]</summary>
    public double PressureTo { get; init; } = 1;

    /// <summary>A prompt counts as at most so many mean prompts. [I]</summary>
    public double LargestMax { get; init; } = 8;

    /// <summary>A mean prompt is put back by so many recent mean waits. [I]</summary>
    public double Waits { get; init; } = 2;

    /// <summary>Nobody is put back by more [s], however long waits grow. [I]</summary>
    public double PutBackMax { get; init; } = 600;
}

/// <summary>First come, first served while memory is plentiful; under pressure, large prompts are put back in the queue by a
/// bounded time.</summary>
/// <remarks>
/// Source: Kossmann et al., "Is the GPU Half-Empty or Half-Full?" (arXiv 2410.17840), LARRY: the queue goes by memory demand,
/// taken from the prompt's length without a predictor, and only under memory pressure. The paper's expressions are not known
/// to us; this one is inferred [I]: key = arrival + θ·τ·min(prompt / mean prompt, cap), where θ rises from 0 to 1 with
/// (KV in use + prompts waiting) / KV, and τ is a multiple of the recent mean wait. Waits grow for as long as an overload lasts,
/// and τ with them, faster than time itself: so what a prompt is put back by has a limit in seconds besides, and nobody is passed
/// by who comes later than that. Whoever gives way is who was admitted last, as in vLLM. Keys are renewed when θ has
/// changed by a tenth, or τ by half while θ counts [I]: O(waiting) then, O(log waiting) per arrival.
/// </remarks>
public sealed class Larry : IIterationScheduler
{
    private const double RekeyAt = 0.1;
    private const double WaitChange = 1.5;
    private const double Newest = 0.05; // Weight of the newest wait and prompt in their means.

    private readonly LarryOptions _options;
    private readonly PressureOrder _order = new();
    private readonly RunningFirst _inner;
    private double _meanWaitTicks;
    private double _meanPrompt;
    private double _keyedWaitTicks; // of the keys that stand

    public Larry(LarryOptions options)
    {
        _options = options;
        _inner = new RunningFirst(new() { LastAdmittedGivesWay = true }, _order);
    }

    /// <summary>Pressure changes while nobody comes or goes.</summary>
    public bool IsStable => false;

    public IWaitingOrder WaitingOrder => _order;

    public void Compose(Step step)
    {
        var theta = Theta(step);
        if (Math.Abs(theta - _order.Theta) > RekeyAt || theta == 0 != (_order.Theta == 0) || (theta > 0 && HasWaitChanged()))
        {
            _keyedWaitTicks = _meanWaitTicks;
            _order.Set(theta, _options, _meanWaitTicks, _meanPrompt);
            step.Waiting.Rekey();
        }

        var prefilling = step.Prefilling.Length;
        _inner.Compose(step);
        if (!step.SomeoneGaveWay) Learn(step, step.Prefilling[prefilling..]);
    }

    /// <summary>In a lasting overload pressure stays at its most, and waits grow on.</summary>
    private bool HasWaitChanged() => _meanWaitTicks > WaitChange * _keyedWaitTicks || _meanWaitTicks * WaitChange < _keyedWaitTicks;

    private double Theta(Step step)
    {
        var cache = step.Cache;
        var asked = cache.TotalBlocks - cache.FreeBlocks + step.Waiting.PromptTokens / (double)cache.BlockTokens;
        return Math.Clamp(
            (asked / cache.TotalBlocks - _options.PressureFrom) / (_options.PressureTo - _options.PressureFrom), 0, 1);
    }

    private void Learn(Step step, ReadOnlySpan<int> admitted)
    {
        foreach (var sequence in admitted)
        {
            var request = step[sequence].Request;
            var first = _meanPrompt == 0;
            _meanPrompt += (first ? 1 : Newest) * (request.PromptTokens - _meanPrompt);
            _meanWaitTicks += (first ? 1 : Newest) * ((step.Now - request.Arrival).Ticks - _meanWaitTicks);
        }
    }

    private sealed class PressureOrder : IWaitingOrder
    {
        private double _ticksPerToken;
        private double _ticksMax;

        public double Theta { get; private set; }

        public void Set(double theta, LarryOptions options, double meanWaitTicks, double meanPrompt)
        {
            var waitTicks = options.Waits * meanWaitTicks;
            Theta = theta;
            _ticksPerToken = meanPrompt == 0 ? 0 : theta * waitTicks / meanPrompt;
            _ticksMax = Math.Min(theta * waitTicks * options.LargestMax, options.PutBackMax * TimeSpan.TicksPerSecond);
        }

        /// <remarks>Also of whoever gave way: putting those first instead gave longer waits and more preemptions.</remarks>
        public long KeyOf(in Sequence sequence) =>
            sequence.Request.Arrival.Ticks + (long)Math.Min(sequence.Request.PromptTokens * _ticksPerToken, _ticksMax);
    }
}
