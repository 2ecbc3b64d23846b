namespace Sluice.Policies.Tests;

public sealed class PriorityRegulatorTests
{
    private static readonly RpsOptions s_options = new();

    /// <summary>The card's table: when an older request of a slower class passes a fresh one.</summary>
    [Theory]
    [InlineData("pebbles", 0.10, 1, 3.1)]
    [InlineData("pebbles", 0.10, 3, 2.0)]
    [InlineData("rocks", 0.05, 1, 47)]
    [InlineData("rocks", 0.05, 3, 17)]
    [InlineData("rocks", 0.10, 1, 90)]
    [InlineData("rocks", 0.10, 3, 33)]
    [InlineData("rocks", 0.50, 1, 497)]
    [InlineData("rocks", 0.50, 3, 183)]
    public void Scores_cross_where_the_constants_say(string name, double score, int boost, double seconds)
    {
        var of = name == "pebbles" ? s_options.Pebbles : s_options.Rocks;
        var (low, high) = (0.0, 10_000.0);
        for (var i = 0; i < 60; i++)
        {
            var middle = (low + high) / 2;
            if (PriorityRegulator.Score(of, boost, middle) < score) low = middle;
            else high = middle;
        }

        Assert.InRange(low, seconds - (seconds < 10 ? 0.05 : 0.5), seconds + (seconds < 10 ? 0.05 : 0.5));
    }

    [Fact]
    public void Scores_to_three_digits()
    {
        Assert.Equal(0.149, PriorityRegulator.Score(s_options.Sand, 1, 1), 3);
        Assert.Equal(1.004, PriorityRegulator.Score(s_options.Sand, 1, 3), 3);
        Assert.Equal(0.204, PriorityRegulator.Score(s_options.Pebbles, 1, 5), 3);
        Assert.Equal(0.112, PriorityRegulator.Score(s_options.Rocks, 1, 100), 3);
    }

    [Fact]
    public void A_congested_class_ages_up_to_three_times_as_fast()
    {
        Assert.Equal(1, PriorityRegulator.Boost(PriorityRegulator.Excess(1, 2, 3, 3)));
        Assert.Equal(2, PriorityRegulator.Boost(0.3));
        Assert.Equal(3, PriorityRegulator.Boost(PriorityRegulator.Excess(5, 1, 5, 1)));
        for (var excess = 0.0; excess < 20; excess += 0.01) Assert.InRange(PriorityRegulator.Boost(excess), 1, 3);
    }

    [Fact]
    public void Only_the_class_that_grew_is_boosted()
    {
        var regulator = new PriorityRegulator(s_options);
        for (var step = 0; step < 100; step++)
        {
            regulator.Count(SizeClass.Sand, 1);
            regulator.Count(SizeClass.Rocks, step < 50 ? 1 : 10);
            regulator.EndCount();
        }

        Assert.Equal((1, 1, 3), (regulator.BoostOf(SizeClass.Sand), regulator.BoostOf(SizeClass.Pebbles), regulator.BoostOf(SizeClass.Rocks)));
    }

    /// <summary>Without the cap a rock never passes sand of a few seconds.</summary>
    [Fact]
    public void The_cap_is_what_lets_a_rock_pass_old_sand()
    {
        Assert.True(Score(new(), SizeClass.Rocks, 700) > Score(new(), SizeClass.Sand, 5));
        Assert.True(Score(new() { AgeCap = 0 }, SizeClass.Rocks, 1e6) < Score(new(), SizeClass.Sand, 5));

        static double Score(RpsOptions options, SizeClass of, double age) => new PriorityRegulator(options).Score(of, age);
    }
}
