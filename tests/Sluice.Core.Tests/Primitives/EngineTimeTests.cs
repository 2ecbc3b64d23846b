namespace Sluice.Core.Tests;

public sealed class EngineTimeTests
{
    [Fact]
    public void Many_small_steps_end_where_one_long_one_does()
    {
        const long Step = 7_654_321_987; // 76.5 ticks
        var one = EngineTime.At(new(123)).Plus(1000 * Step);
        var many = EngineTime.At(new(123));
        for (var i = 0; i < 1000; i++) many = many.Plus(Step);

        Assert.Equal(one, many);
        Assert.Equal(new Instant(123 + 1000 * Step / EngineTime.FemtosecondsPerTick), one.Instant);
    }

    [Fact]
    public void Since_undoes_Plus()
    {
        var rng = new Rng(5);
        for (var i = 0; i < 1000; i++)
        {
            var begin = new EngineTime(rng.Next(int.MaxValue), rng.Next((int)EngineTime.FemtosecondsPerTick));
            var span = (long)(rng.NextUInt64() >> 2);
            Assert.Equal(span, begin.Plus(span).Since(begin));
        }
    }

    [Fact]
    public void An_age_too_long_for_femtoseconds_is_the_longest()
    {
        Assert.Equal(long.MaxValue, EngineTime.At(new(long.MaxValue)).Since(EngineTime.At(default)));
    }
}
