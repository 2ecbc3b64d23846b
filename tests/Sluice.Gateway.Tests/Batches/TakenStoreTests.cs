using Sluice.Storage;

namespace Sluice.Gateway.Tests;

public sealed class TakenStoreTests
{
    [Fact]
    public async Task A_gateway_whose_store_another_process_has_taken_ends()
    {
        var taken = new TaskCompletionSource<StoreTakenException>();
        await using var gateway = await BatchGateway.StartAsync(new(), null, null, null, taken.Task, new FakeUpstream());
        var ended = gateway.Gateway.EndedAsync();

        taken.SetResult(new("another has it"));

        await ended.WaitAsync(TimeSpan.FromSeconds(30));
    }
}
