namespace Sluice.Cli.Tests;

public sealed class ReproductionContextTests
{
    [Fact]
    public void Every_job_has_its_own_result_once_all_have_run()
    {
        var context = new ReproductionContext(isSmall: true);
        Job<int>[] jobs = [.. Enumerable.Range(0, 50).Select(i => context.Later(() => i * i))];

        context.RunAll();

        Assert.Equal(Enumerable.Range(0, 50).Select(i => i * i), jobs.Select(j => j.Result));
    }

    [Fact]
    public void Progress_ends_at_the_whole()
    {
        var reported = new System.Collections.Concurrent.ConcurrentBag<double>();
        var context = new ReproductionContext(isSmall: true, reported.Add);
        for (var i = 0; i < 5; i++) context.Later(() => 0);

        context.RunAll();

        Assert.Equal(1, reported.Max());
        Assert.Equal(0, reported.Min());
    }

    [Fact]
    public void The_error_of_a_job_comes_out_as_it_was()
    {
        var context = new ReproductionContext(isSmall: true);
        context.Later<int>(() => throw new Core.InputException("no such thing"));

        Assert.Throws<Core.InputException>(context.RunAll);
    }
}
