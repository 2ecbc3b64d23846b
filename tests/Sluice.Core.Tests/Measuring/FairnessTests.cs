namespace Sluice.Core.Tests;

public sealed class FairnessTests
{
    [Fact]
    public void Equal_shares_are_perfectly_fair() => Assert.Equal(1, Fairness.Jain([3, 3, 3]), 12);

    [Fact]
    public void One_of_four_with_everything_scores_a_quarter() => Assert.Equal(0.25, Fairness.Jain([8, 0, 0, 0]), 12);

    [Fact]
    public void Nothing_shared_out_has_no_fairness() => Assert.True(double.IsNaN(Fairness.Jain([0, 0])));
}
