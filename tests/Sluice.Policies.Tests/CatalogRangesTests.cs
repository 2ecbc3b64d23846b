using Sluice.Core;

namespace Sluice.Policies.Tests;

public sealed class CatalogRangesTests
{
    [Theory]
    [InlineData("orca")]
    [InlineData("static")]
    public void Systems_that_reserve_use_buddy_ranges_unless_told_otherwise(string system)
    {
        var firstFit = new PolicySettings(new Dictionary<string, string> { ["kv-ranges"] = "first-fit" });

        Assert.Equal(ReservationPolicy.Buddy, Catalog.Make(system, PolicySettings.None).Ranges);
        Assert.Equal(ReservationPolicy.FirstFit, Catalog.Make(system, firstFit).Ranges);
    }
}
