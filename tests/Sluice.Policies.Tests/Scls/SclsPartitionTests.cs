using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Policies.Tests;

public sealed class SclsPartitionTests
{
    private static readonly IStepTimeModel s_model = new ClosedFormStepTime(A.Profile(A.Coefficients));

    [Fact]
    public void Batches_are_the_best_of_all_partitions_of_the_sorted_requests()
    {
        var time = SliceTime.Fit(s_model);
        var partition = new SlicePartition();
        var ends = new List<int>();
        for (var seed = 1UL; seed <= 200; seed++)
        {
            var rng = new Rng(seed);
            int[] lengths = [.. Enumerable.Range(0, 1 + rng.Next(12)).Select(_ => 1 + rng.Next(3000)).Order()];
            var (slice, sizeMax, tokensMax) = (1 + rng.Next(200), 1 + rng.Next(8), 3000L + rng.Next(10_000));

            partition.Find(lengths, time, slice, sizeMax, tokensMax, ends);

            Assert.Equal(Best(lengths, 0, time, slice, sizeMax, tokensMax), partition.Seconds, 1e-9);
            Assert.Equal(lengths.Length, ends[^1]);
            Assert.All(ends.Prepend(0).Zip(ends), b => Assert.True(Fits(lengths, b.First, b.Second, slice, sizeMax, tokensMax)));
        }
    }

    [Fact]
    public void The_closed_form_of_a_slice_is_the_sum_of_its_steps()
    {
        var time = SliceTime.Fit(s_model);
        foreach (var (n, length, slice) in new[] { (1, 10, 1), (4, 100, 7), (32, 900, 128) })
        {
            var sum = time.Prefill(n, length);
            for (var l = length + 1; l < length + slice; l++) sum += time.Decode(n, l);

            Assert.Equal(sum, time.Of(n, length, slice), 1e-9 * sum);
        }
    }

    [Fact]
    public void The_fit_is_within_5_percent_of_what_a_static_batch_takes()
    {
        var time = SliceTime.Fit(s_model);
        var (error, points) = (0.0, 0);
        foreach (var n in new[] { 1, 3, 8, 24, 64 })
        {
            foreach (var length in new[] { 32, 150, 700, 1500 })
            {
                var actual = Steps(n, length, 64);
                error += Math.Abs(time.Of(n, length, 64) - actual) / actual;
                points++;
            }
        }

        Assert.True(error / points < 0.05, $"{error / points:P1}");
    }

    private static double Steps(int n, int length, int slice)
    {
        var sum = s_model.StepTime(new() { PrefillTokens = n * length, AttentionPairsTwice = (long)n * length * length });
        for (var l = length + 1; l < length + slice; l++) sum += s_model.StepTime(new() { DecodeSequences = n, ContextTokens = (long)n * l });
        return sum / 1e15;
    }

    private static double Best(int[] lengths, int from, SliceTime time, int slice, int sizeMax, long tokensMax)
    {
        if (from == lengths.Length) return 0;
        var best = double.PositiveInfinity;
        for (var end = from + 1; end <= lengths.Length && Fits(lengths, from, end, slice, sizeMax, tokensMax); end++)
            best = Math.Min(
                best, time.Of(end - from, lengths[end - 1], slice) + Best(lengths, end, time, slice, sizeMax, tokensMax));
        return best;
    }

    private static bool Fits(int[] lengths, int from, int end, int slice, int sizeMax, long tokensMax) =>
        end - from == 1 || (end - from <= sizeMax && (end - from) * (long)(lengths[end - 1] + slice) <= tokensMax);
}
