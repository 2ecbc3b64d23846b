using Sluice.Core;
using Sluice.Gateway;
using Sluice.Storage;

namespace Sluice.Cli;

/// <summary>The store of a gateway that is served: where the plan says, or else in a temporary folder that goes away with the
/// gateway.</summary>
internal sealed class ServeStore : IAsyncDisposable
{
    private readonly string? _temporary;

    private ServeStore(DurableParts parts, string? temporary) => (Parts, _temporary) = (parts, temporary);

    public DurableParts Parts { get; }

    public string Description => _temporary is null
        ? Parts.Store.Where
        : "temporary: files, batches and keys are gone when this ends; --data DIR keeps them";

    /// <exception cref="InputException">It cannot be opened; the message says why.</exception>
    public static async Task<ServeStore> OpenAsync(ServePlan plan, TextWriter log)
    {
        var temporary = plan.Folder is null && plan.Postgres is null ? Directory.CreateTempSubdirectory("sluice-").FullName : null;
        try
        {
            var parts = await DurableParts.OpenAsync(
                new(plan.Folder ?? temporary ?? "", plan.Postgres), admin: plan.Admin).ConfigureAwait(false);
            foreach (var line in await parts.Tenants.TakeAsync(plan.Tenants, Environment.GetEnvironmentVariable).ConfigureAwait(false))
                log.WriteLine($"sluice: {line}");
            return new(parts, temporary);
        }
        catch (StorageException e)
        {
            if (temporary is not null) Directory.Delete(temporary, recursive: true);
            throw new InputException(e.Message.TrimEnd('.') + ".");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Parts.DisposeAsync().ConfigureAwait(false);
        if (_temporary is not null) Directory.Delete(_temporary, recursive: true);
    }
}
