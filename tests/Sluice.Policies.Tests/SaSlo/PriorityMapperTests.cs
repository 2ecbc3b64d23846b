using Sluice.Core;

namespace Sluice.Policies.Tests;

/// <summary>The acceptance tests of the card on the annealing priority mapper that need no engine.</summary>
public sealed class PriorityMapperTests
{
    /// <summary>The paper's coefficients for Qwen2.5-7B on two V100, as recalled [s].</summary>
    private static readonly SliceTime s_time = new([1e-4, 5.7e-3, 1e-5, 43.67e-3], [2e-7, 0.275e-3, 8.8e-7, 15.85e-3]);

    [Fact]
    public void Small_pools_come_within_2_percent_of_the_best_plan_there_is()
    {
        const int pools = 60;
        var near = 0;
        for (var seed = 1UL; seed <= pools; seed++)
        {
            var rng = new Rng(seed);
            var jobs = Pool(ref rng, 4 + rng.Next(4));
            var batchMax = 1 + rng.Next(4);
            var mapper = new PriorityMapper(new());

            mapper.Find(jobs, batchMax, 0, ref rng);

            var best = AllPlans.BestGain(jobs, batchMax);
            Assert.True(mapper.Gain <= best * (1 + 1e-9));
            if (mapper.Gain >= 0.98 * best) near++;
        }

        Assert.True(near >= 0.95 * pools, $"{near} of {pools}");
    }

    [Fact]
    public void Loose_promises_are_kept_by_shortest_first_without_a_search()
    {
        var rng = new Rng(1);
        MapperJob[] jobs = [.. Enumerable.Range(0, 40).Select(i => Job(100, 500 - i * 10, e2e: 10_000))];
        var mapper = new PriorityMapper(new());

        mapper.Find(jobs, 4, 0, ref rng);

        Assert.Equal(1, mapper.Evaluations);
        Assert.Equal(Enumerable.Range(0, 40).Reverse(), mapper.Best.Jobs.ToArray());
        Assert.All(mapper.Best.Sizes.ToArray(), size => Assert.Equal(4, size));
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_tight_request_behind_nine_long_ones_is_met_and_the_rest_pay_little(bool isNormalised)
    {
        MapperJob[] jobs = [.. Enumerable.Repeat(Job(200, 400, e2e: 100), 9), Job(100, 200, ttft: 1, tpot: 0.05)];
        var arrival = new BatchOrder();
        arrival.Fill([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 2);
        var (metByArrival, secondsByArrival) = arrival.Score(jobs, 0);
        var rng = new Rng(1);
        var mapper = new PriorityMapper(new() { IsNormalised = isNormalised });

        mapper.Find(jobs, 2, 0, ref rng);

        var (met, seconds) = mapper.Best.Score(jobs, 0);
        Assert.Equal((9, 10), (metByArrival, met));
        Assert.True(seconds <= 1.1 * secondsByArrival, $"{seconds} and {secondsByArrival} s");
    }

    [Fact]
    public void A_hopeless_request_does_not_go_before_one_that_can_be_met()
    {
        // Shorter than the other, so that shortest first would begin with it.
        MapperJob[] jobs = [Job(100, 100, ttft: -1), Job(100, 200, ttft: 1)];
        var rng = new Rng(1);
        var mapper = new PriorityMapper(new());

        mapper.Find(jobs, 1, 0, ref rng);

        Assert.Equal([1, 0], mapper.Best.Jobs.ToArray());
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_plan_is_as_good_as_both_starts_whole_repeatable_and_of_bounded_work(bool isNormalised)
    {
        var options = new SaSloOptions { IsNormalised = isNormalised };
        for (var seed = 1UL; seed <= 5; seed++)
        {
            var rng = new Rng(seed);
            var jobs = Pool(ref rng, 80);
            var again = rng;
            var starts = new PriorityMapper(options with { Trials = 0 });
            var mapper = new PriorityMapper(options);
            var second = new PriorityMapper(options);

            starts.Find(jobs, 4, 0.5, ref rng);
            mapper.Find(jobs, 4, 0.5, ref rng);
            second.Find(jobs, 4, 0.5, ref again);

            Assert.True(mapper.Gain >= starts.Gain);
            var (met, seconds) = mapper.Best.Score(jobs, 0.5);
            Assert.Equal(met / seconds, mapper.Gain, 1e-12);
            Assert.Equal(Enumerable.Range(0, 80), mapper.Best.Jobs.ToArray().Order());
            Assert.Equal(80, mapper.Best.Sizes.ToArray().Sum());
            Assert.All(mapper.Best.Sizes.ToArray(), size => Assert.InRange(size, 1, 4));
            Assert.Equal(mapper.Best.Jobs.ToArray(), second.Best.Jobs.ToArray());
            Assert.Equal(mapper.Best.Sizes.ToArray(), second.Best.Sizes.ToArray());
            Assert.InRange(mapper.Evaluations, 3, 2 + 63 * 100);
        }
    }

    [Fact]
    public void Squeeze_and_delay_move_one_job_across_one_cut()
    {
        var plan = new BatchOrder();
        plan.Fill([0, 1, 2, 3, 4], 2);

        Assert.False(plan.TrySqueeze(0, 2)); // Nothing before it.
        Assert.False(plan.TrySqueeze(4, 2)); // The batch before it is full.
        Assert.False(plan.TryDelay(4, 2)); // Alone in the last.
        Assert.True(plan.TryDelay(2, 2));
        Assert.Equal([2, 1, 2], plan.Sizes.ToArray());
        Assert.Equal([2, 4], plan.Jobs[3..].ToArray().Order());
        Assert.True(plan.TryDelay(4, 2));
        Assert.Equal([2, 1, 1, 1], plan.Sizes.ToArray());
        Assert.True(plan.TrySqueeze(3, 2));
        Assert.Equal([2, 2, 1], plan.Sizes.ToArray());
        Assert.Equal([0, 1, 2, 3, 4], plan.Jobs.ToArray().Order());
    }

    [Fact]
    public void The_time_of_a_job_in_any_batch_is_the_sum_of_its_steps()
    {
        foreach (var (batch, prompt, output) in new[] { (1, 10, 1), (3, 100, 7), (8, 900, 1500) })
        {
            var job = Job(prompt, output);
            var sum = 0.0;
            for (var length = prompt + 1; length < prompt + output; length++) sum += s_time.Decode(batch, length);

            Assert.Equal(s_time.Prefill(batch, prompt), job.Prefill(batch), 1e-9 * job.Prefill(batch));
            Assert.Equal(sum, job.Decode(batch), 1e-9 * (1 + sum));
        }
    }

    [Fact]
    public void What_is_left_of_a_promise_counts_from_arrival_and_a_first_token_that_came_is_kept()
    {
        var slo = new Slo(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(0.05), TimeSpan.FromSeconds(30));
        var request = A.Request(slo: slo);
        var now = new Instant(4 * TimeSpan.TicksPerSecond);

        var job = MapperJob.Of(s_time, 100, 21, request, hasBegun: false, now);
        var begun = MapperJob.Of(s_time, 100, 21, request, hasBegun: true, now);

        Assert.Equal((6, 26), (job.FirstTokenMax, job.AnswerMax));
        Assert.Equal(1, job.DecodeMax, 1e-9);
        Assert.Equal((double.PositiveInfinity, 26), (begun.FirstTokenMax, begun.AnswerMax));
    }

    /// <summary>Code with a promise on the answer and chat with promises on its tokens, half each.</summary>
    private static MapperJob[] Pool(ref Rng rng, int count)
    {
        var jobs = new MapperJob[count];
        for (var i = 0; i < count; i++)
        {
            var (prompt, output) = (10 + rng.Next(1000), 10 + rng.Next(500));
            jobs[i] = rng.Next(2) == 0
                ? Job(prompt, output, e2e: 5 + rng.Next(30))
                : Job(prompt, output, ttft: 1 + rng.Next(10), tpot: 0.017 + 0.002 * rng.NextDouble());
        }

        return jobs;
    }

    private static MapperJob Job(
        int prompt, int output, double ttft = double.PositiveInfinity, double tpot = double.PositiveInfinity,
        double e2e = double.PositiveInfinity) =>
        MapperJob.Of(s_time, prompt, output, A.Request(), hasBegun: false, default) with
        {
            FirstTokenMax = ttft,
            DecodeMax = tpot * Math.Max(1, output - 1),
            AnswerMax = e2e,
        };
}
