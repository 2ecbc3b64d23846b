using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Finds the order and the batches of the most kept promises per second of latency, by simulated annealing.</summary>
/// <remarks>
/// Source: Huang et al. (arXiv 2504.14966). The objective is G = n / t, promises kept over the sum of latencies. The search
/// starts from the better of shortest first and order of arrival, and ends at once where shortest first keeps every promise.
/// The best plan ever seen is the result. G is far below the temperatures, so as published nearly every worse move would be
/// accepted; normalised, a loss counts as its share of the start's G times the first temperature [I]. Temperatures × trials
/// scores of O(n); allocates nothing once warm.
/// </remarks>
internal sealed class PriorityMapper(SaSloOptions options)
{
    private BatchOrder _current = new();
    private BatchOrder _next = new();
    private int[] _indices = new int[128];
    private double[] _keys = new double[128];

    /// <summary>The plan last found.</summary>
    public BatchOrder Best { get; } = new();

    /// <summary>Its objective [1/s].</summary>
    public double Gain { get; private set; }

    /// <summary>Plans scored in the last search.</summary>
    public int Evaluations { get; private set; }

    /// <param name="jobs">In order of arrival.</param>
    /// <param name="begin">When the first batch can begin, from now [s].</param>
    public void Find(ReadOnlySpan<MapperJob> jobs, int batchMax, double begin, ref Rng rng)
    {
        Evaluations = 0;
        if (_indices.Length < jobs.Length) (_indices, _keys) = (new int[jobs.Length * 2], new double[jobs.Length * 2]);
        for (var i = 0; i < jobs.Length; i++) (_indices[i], _keys[i]) = (i, jobs[i].Alone);
        _current.Fill(_indices.AsSpan(0, jobs.Length), batchMax);
        Array.Sort(_keys, _indices, 0, jobs.Length);
        Best.Fill(_indices.AsSpan(0, jobs.Length), batchMax);
        Gain = Score(Best, jobs, begin, out var met);
        if (met == jobs.Length || jobs.Length <= 1) return;

        var gain = Score(_current, jobs, begin, out _);
        if (gain > Gain) Keep(gain);
        else _current.CopyFrom(Best);
        Anneal(jobs, batchMax, begin, ref rng);
    }

    private void Anneal(ReadOnlySpan<MapperJob> jobs, int batchMax, double begin, ref Rng rng)
    {
        var gain = Gain;

        // Where the start keeps no promise, one kept in its time is the unit.
        var unit = gain > 0 ? gain : 1 / Math.Max(_current.Score(jobs, begin).Seconds, 1e-9);
        var scale = options.IsNormalised ? options.Temperature / unit : 1e-3;
        for (var temperature = options.Temperature; temperature > options.Stop; temperature *= options.Cooling)
        {
            for (var trial = 0; trial < options.Trials; trial++)
            {
                _next.CopyFrom(_current);
                if (!TryMove(_next, jobs.Length, batchMax, ref rng)) continue;
                var next = Score(_next, jobs, begin, out _);
                if (next <= gain && rng.NextDouble() >= Math.Exp((next - gain) * scale / temperature)) continue;
                (_current, _next, gain) = (_next, _current, next);
                if (gain > Gain) Keep(gain);
            }
        }
    }

    private void Keep(double gain)
    {
        Best.CopyFrom(_current);
        Gain = gain;
    }

    private static bool TryMove(BatchOrder plan, int jobs, int batchMax, ref Rng rng)
    {
        var (move, position) = (rng.Next(3), rng.Next(jobs));
        if (move == 0) return plan.TrySqueeze(position, batchMax);
        if (move == 1) return plan.TryDelay(position, batchMax);
        plan.Swap(position, rng.Next(jobs));
        return true;
    }

    private double Score(BatchOrder plan, ReadOnlySpan<MapperJob> jobs, double begin, out int met)
    {
        Evaluations++;
        (met, var seconds) = plan.Score(jobs, begin);
        return met / Math.Max(seconds, 1e-9);
    }
}
