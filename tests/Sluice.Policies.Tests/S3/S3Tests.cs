using Sluice.Core;

namespace Sluice.Policies.Tests;

public sealed class S3Tests
{
    [Fact]
    public void A_bucket_is_the_least_one_doubled_until_it_holds_the_answer()
    {
        Assert.Equal([32, 32, 64, 256], new double[] { 1, 32, 33, 200 }.Select(t => S3.BucketOf(t, 32)));
    }

    [Fact]
    public void Nobody_is_admitted_whose_bucket_does_not_fit_beside_those_of_the_others()
    {
        // 16 tokens of prompt and a bucket of 32 are three blocks each: two at once in seven.
        var engine = Engine(blocks: 7);
        for (var i = 0; i < 4; i++) engine.Submit(i, 16, 20);
        engine.Run();

        Assert.Empty(engine.Events.Of(EventKind.Preempted));
        Assert.Equal(2, engine.Steps.Max(s => s.Decodes));
        Assert.Equal([0, 1, 2, 3], engine.Events.Ids(EventKind.Finished));
    }

    [Fact]
    public void Whoever_outgrows_its_bucket_is_evicted_once_per_doubling_and_finishes()
    {
        var engine = Engine(blocks: 100);
        engine.Submit(0, 16, 100, predicted: 20); // Buckets of 32, 64 and 128: out at 32 and at 64.
        engine.Submit(1, 16, 30, predicted: 30);
        engine.Run();

        Assert.Equal([0, 0], engine.Events.Ids(EventKind.Preempted));
        Assert.Equal([1, 0], engine.Events.Ids(EventKind.Finished));
    }

    /// <summary>The same memory, filled by arrival: who admits by the prompt alone has to take back.</summary>
    [Fact]
    public void With_known_lengths_nobody_gives_way_where_vllm_preempts()
    {
        Assert.Equal((0, true), (Preemptions("s3 length=oracle"), Preemptions("vllm-v1") > 0));

        static int Preemptions(string line)
        {
            var engine = new TestEngine(Systems.Make(line).Iteration(), new(512, 64), new CountingKvCache(40, 16));
            var rng = new Rng(4);
            for (var i = 0; i < 60; i++) engine.Submit(i, 1 + rng.Next(60), 1 + rng.Next(100));
            engine.Run();
            return engine.Events.Ids(EventKind.Preempted).Length;
        }
    }

    private static TestEngine Engine(int blocks) =>
        new(new S3(bucketTokens: 32), new(512, 64), new CountingKvCache(blocks, 16));
}
