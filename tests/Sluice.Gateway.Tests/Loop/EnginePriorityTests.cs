namespace Sluice.Gateway.Tests;

public sealed class EnginePriorityTests
{
    [Fact]
    public async Task A_callers_priority_goes_on_to_the_engine()
    {
        var engine = new FakeUpstream();
        await using var gateway = await TestGateway.StartAsync(engine);

        await gateway.ChatAsync(",\"priority\":7");

        Assert.Equal(7, Assert.Single(engine.Calls).Priority);
    }
}
