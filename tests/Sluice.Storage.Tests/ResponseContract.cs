namespace Sluice.Storage.Tests;

public abstract class ResponseContract(StoreServer server) : StoreContract(server)
{
    private static StoredResponse Response(string id, long? expires = null) =>
        new(id, "t", "/v1/responses", [1, 2], null, IsFinished: false, Created: 100, expires);

    [StoreFact]
    public async Task What_was_accepted_and_not_finished_is_found_again_in_order()
    {
        for (var i = 0; i < 250; i++) await Store.Responses.AcceptAsync(Response($"resp_{i}"), Never);
        Assert.True(await Store.Responses.FinishAsync("resp_7", [9], Never));
        await ReopenAsync();

        var left = await Store.Responses.UnfinishedAsync(Never).ToListAsync();

        Assert.Equal(Enumerable.Range(0, 250).Where(i => i != 7).Select(i => $"resp_{i}"), left.Select(r => r.Id));
        Assert.Equal([1, 2], left[0].Request);
    }

    [StoreFact]
    public async Task A_response_is_finished_once()
    {
        await Store.Responses.AcceptAsync(Response("resp_1"), Never);

        Assert.True(await Store.Responses.FinishAsync("resp_1", [9], Never));
        Assert.False(await Store.Responses.FinishAsync("resp_1", [10], Never));

        Assert.Equal([9], (await Store.Responses.FindAsync("t", "resp_1", Never))!.Response!);
    }

    [StoreFact]
    public async Task A_response_belongs_to_its_tenant_until_it_expires()
    {
        await Store.Responses.AcceptAsync(Response("resp_1", expires: 500), Never);

        Assert.Null(await Store.Responses.FindAsync("other", "resp_1", Never));
        Assert.False(await Store.Responses.DeleteAsync("other", "resp_1", Never));
        Assert.Equal(0, await Store.Responses.SweepAsync(499, Never));
        Assert.Equal(1, await Store.Responses.SweepAsync(500, Never));
        Assert.False(await Store.Responses.DeleteAsync("t", "resp_1", Never));
    }
}
