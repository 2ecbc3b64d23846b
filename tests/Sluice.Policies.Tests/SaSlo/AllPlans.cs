namespace Sluice.Policies.Tests;

/// <summary>The best objective of all plans, by trying every one: each batch is any subset of what is left.</summary>
internal static class AllPlans
{
    public static double BestGain(ReadOnlySpan<MapperJob> jobs, int batchMax) =>
        Best(jobs, (1 << jobs.Length) - 1, batchMax, wait: 0, met: 0, seconds: 0);

    private static double Best(ReadOnlySpan<MapperJob> jobs, int left, int batchMax, double wait, int met, double seconds)
    {
        if (left == 0) return met / seconds;
        var best = 0.0;
        for (var batch = left; batch > 0; batch = (batch - 1) & left)
        {
            var size = int.PopCount(batch);
            if (size > batchMax) continue;
            var (longest, metHere, secondsHere) = (0.0, 0, 0.0);
            for (var i = 0; i < jobs.Length; i++)
            {
                if ((batch >> i & 1) == 0) continue;
                var (prefill, decode) = (jobs[i].Prefill(size), jobs[i].Decode(size));
                if (jobs[i].IsMet(wait, prefill, decode)) metHere++;
                secondsHere += wait + prefill + decode;
                longest = Math.Max(longest, prefill + decode);
            }

            best = Math.Max(best, Best(jobs, left & ~batch, batchMax, wait + longest, met + metHere, seconds + secondsHere));
        }

        return best;
    }
}
