using System.Net;
using Sluice.Storage;

namespace Sluice.Gateway.Tests;

/// <summary>The store does not answer, or belongs to somebody else.</summary>
public sealed class StoreTroubleTests
{
    [Fact]
    public async Task A_store_that_does_not_answer_is_503_and_worth_another_try()
    {
        await using var gateway = await BatchGateway.StartAsync(new FakeUpstream());
        await gateway.Store.DisposeAsync();

        var response = await gateway.UploadAsync(BatchGateway.Line(1));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("storage_failed", (await response.JsonAsync()).GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(("5", "true"), (response.Header("Retry-After"), response.Header("x-should-retry")));
        Assert.Equal(HttpStatusCode.OK, (await gateway.Gateway.ChatAsync()).StatusCode); // Which needs none.
    }

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
