namespace Sluice.Policies;

/// <summary>A plan: a permutation of jobs, cut into batches that follow one another.</summary>
/// <remarks>Within a batch the order means nothing, so a job changes to the batch beside by a swap and a shift of the cut,
/// O(batches). Arrays are reused.</remarks>
internal sealed class BatchOrder
{
    private int[] _jobs = new int[128];
    private int[] _sizes = new int[128];
    private int _count;
    private int _batches;

    public ReadOnlySpan<int> Jobs => _jobs.AsSpan(0, _count);

    /// <summary>Jobs of each batch; none is empty.</summary>
    public ReadOnlySpan<int> Sizes => _sizes.AsSpan(0, _batches);

    /// <summary>Full batches, in the order given.</summary>
    public void Fill(ReadOnlySpan<int> jobs, int batchMax)
    {
        Reserve(jobs.Length);
        jobs.CopyTo(_jobs);
        (_count, _batches) = (jobs.Length, 0);
        for (var left = jobs.Length; left > 0; left -= batchMax) _sizes[_batches++] = Math.Min(left, batchMax);
    }

    public void CopyFrom(BatchOrder other)
    {
        Reserve(other._count);
        other.Jobs.CopyTo(_jobs);
        other.Sizes.CopyTo(_sizes);
        (_count, _batches) = (other._count, other._batches);
    }

    public void Swap(int a, int b) => (_jobs[a], _jobs[b]) = (_jobs[b], _jobs[a]);

    /// <summary>Moves a job to the batch before its own.</summary>
    /// <returns>False, and nothing moved, if there is none or it is full.</returns>
    public bool TrySqueeze(int position, int batchMax)
    {
        var (batch, begin) = BatchAt(position);
        if (batch == 0 || _sizes[batch - 1] >= batchMax) return false;
        Swap(position, begin);
        _sizes[batch - 1]++;
        Shrink(batch);
        return true;
    }

    /// <summary>Moves a job to the batch after its own, a new one after the last.</summary>
    /// <returns>False, and nothing moved, if that batch is full, or the job is alone in the last.</returns>
    public bool TryDelay(int position, int batchMax)
    {
        var (batch, begin) = BatchAt(position);
        if (batch + 1 == _batches)
        {
            if (_sizes[batch] == 1) return false;
            _sizes[_batches++] = 0;
        }
        else if (_sizes[batch + 1] >= batchMax)
        {
            return false;
        }

        Swap(position, begin + _sizes[batch] - 1);
        _sizes[batch + 1]++;
        Shrink(batch);
        return true;
    }

    /// <summary>Jobs whose promises are kept, and the sum of all latencies, if each batch begins when the longest job of the
    /// one before is done. O(jobs).</summary>
    /// <param name="begin">When the first batch begins, from now [s].</param>
    public (int Met, double Seconds) Score(ReadOnlySpan<MapperJob> jobs, double begin)
    {
        var (met, seconds, wait, position) = (0, 0.0, begin, 0);
        foreach (var size in Sizes)
        {
            var longest = 0.0;
            foreach (var index in _jobs.AsSpan(position, size))
            {
                ref readonly var job = ref jobs[index];
                var (prefill, decode) = (job.Prefill(size), job.Decode(size));
                seconds += wait + prefill + decode;
                if (job.IsMet(wait, prefill, decode)) met++;
                longest = Math.Max(longest, prefill + decode);
            }

            wait += longest;
            position += size;
        }

        return (met, seconds);
    }

    private (int Batch, int Begin) BatchAt(int position)
    {
        var (batch, begin) = (0, 0);
        while (begin + _sizes[batch] <= position) begin += _sizes[batch++];
        return (batch, begin);
    }

    private void Shrink(int batch)
    {
        if (--_sizes[batch] > 0) return;
        _sizes.AsSpan(batch + 1, _batches - batch - 1).CopyTo(_sizes.AsSpan(batch));
        _batches--;
    }

    private void Reserve(int count)
    {
        if (_jobs.Length <= count) (_jobs, _sizes) = (new int[count * 2], new int[count * 2]);
    }
}
