namespace Sluice.Storage.Tests;

/// <summary>What the parts of the contract share: a store that can be closed and opened again.</summary>
public abstract class StoreContract(StoreServer server) : IAsyncLifetime
{
    protected static CancellationToken Never => CancellationToken.None;

    protected Store Store { get; private set; } = null!;

    public Task InitializeAsync()
    {
        Store = server.Open();
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await Store.DisposeAsync();
        server.Dispose();
    }

    protected async Task ReopenAsync()
    {
        await Store.DisposeAsync();
        Store = server.Open();
    }
}
