namespace Sluice.Simulation;

/// <summary>State of the fleet at one instant, summed over engines.</summary>
/// <param name="AtTicks">Virtual time in 100 ns ticks.</param>
/// <param name="KvUsed">Share of all KV blocks taken, 0 to 1.</param>
/// <param name="KvLive">Share of all KV slots that hold a computed token, 0 to 1.</param>
/// <param name="OutputTokens">Produced since the run began.</param>
public readonly record struct Sample(
    long AtTicks, int Waiting, int Running, double KvUsed, double KvLive, long OutputTokens, long Finished);

/// <summary>Samples at a fixed spacing; when full, every other one is dropped and the spacing doubles, so memory stays
/// bounded and a run of any length has between half of and all of <paramref name="capacity"/> points.</summary>
public sealed class TimeSeries(long spacingTicks, int capacity = 2048)
{
    private readonly List<Sample> _samples = new(capacity);

    public long SpacingTicks { get; private set; } = spacingTicks;
    public long NextAtTicks { get; private set; }
    public IReadOnlyList<Sample> Samples => _samples;

    public void Add(in Sample sample)
    {
        if (_samples.Count == capacity)
        {
            for (var i = 0; i < capacity / 2; i++) _samples[i] = _samples[2 * i];
            _samples.RemoveRange(capacity / 2, capacity - capacity / 2);
            SpacingTicks *= 2;
        }

        _samples.Add(sample);
        NextAtTicks = (sample.AtTicks / SpacingTicks + 1) * SpacingTicks;
    }
}
