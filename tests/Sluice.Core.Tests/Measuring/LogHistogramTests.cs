using FsCheck;
using FsCheck.Fluent;

namespace Sluice.Core.Tests;

public sealed class LogHistogramTests
{
    private static readonly double[] s_quantiles = [0, 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1];

    [Fact]
    public void Quantiles_are_within_a_fifth_of_a_percent_of_the_exact_ones() =>
        Prop.ForAll((NonEmptyArray<PositiveInt> raw, PositiveInt seed) =>
        {
            var rng = new Rng((ulong)seed.Get);
            double[] values = [.. raw.Get.Select(v => v.Get * Math.Exp(10 * rng.NextDouble() - 5))];
            var histogram = Of(values);
            Array.Sort(values);

            return s_quantiles.All(q =>
            {
                var exact = Percentiles.NearestRank<double>(values, q);
                return Math.Abs(histogram.Quantile(q) - exact) <= 0.002 * exact;
            });
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Merging_is_the_same_as_adding_everything_to_one() =>
        Prop.ForAll((PositiveInt[] a, PositiveInt[] b) =>
        {
            var merged = Of([.. a.Select(v => v.Get * 0.37)]);
            merged.Merge(Of([.. b.Select(v => v.Get * 0.37)]));
            var whole = Of([.. a.Concat(b).Select(v => v.Get * 0.37)]);

            return merged.Count == whole.Count && merged.Min == whole.Min && merged.Max == whole.Max
                && Math.Abs(merged.Sum - whole.Sum) <= 1e-9 * whole.Sum
                && s_quantiles.All(q => merged.Quantile(q).Equals(whole.Quantile(q)));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_weight_counts_as_that_many_values()
    {
        var weighted = new LogHistogram();
        weighted.Add(5, weight: 3);
        weighted.Add(80);
        weighted.Add(9999, weight: 0);
        var single = Of([5, 5, 5, 80]);

        Assert.Equal(single.Count, weighted.Count);
        Assert.Equal(single.Mean, weighted.Mean);
        Assert.Equal(single.Max, weighted.Max);
        Assert.All(s_quantiles, q => Assert.Equal(single.Quantile(q), weighted.Quantile(q)));
    }

    [Fact]
    public void Least_greatest_and_mean_are_exact()
    {
        var histogram = Of([0.1, 0.25, 1000.7]);

        Assert.Equal(0.1, histogram.Min);
        Assert.Equal(1000.7, histogram.Max);
        Assert.Equal(0.1, histogram.Quantile(0));
        Assert.Equal((0.1 + 0.25 + 1000.7) / 3, histogram.Mean);
    }

    [Fact]
    public void An_empty_histogram_has_no_quantiles() => Assert.True(double.IsNaN(new LogHistogram().Quantile(0.5)));

    [Fact]
    public void Zero_is_counted_as_the_least_value() => Assert.Equal(0, Of([0, 0, 0, 4]).Quantile(0.5), 5);

    [Fact]
    public void A_value_that_is_no_number_is_a_bug() =>
        Assert.Throws<InvariantException>(() => new LogHistogram().Add(double.NaN));

    [Fact]
    public void Adding_allocates_nothing()
    {
        var histogram = new LogHistogram();
        for (var i = 0; i < 100; i++) histogram.Add(i);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) histogram.Add(i * 0.7, weight: 2);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static LogHistogram Of(double[] values)
    {
        var histogram = new LogHistogram();
        foreach (var value in values) histogram.Add(value);
        return histogram;
    }
}
