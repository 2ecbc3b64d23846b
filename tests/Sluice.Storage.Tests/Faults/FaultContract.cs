namespace Sluice.Storage.Tests;

/// <summary>A batch's whole life, with the n-th statement failing, for every n. Whatever fails, a caller who repeats what was
/// not acknowledged ends with the same data, and what was acknowledged is there when the store is opened again.</summary>
public abstract class FaultContract(StoreServer server) : IDisposable
{
    private static readonly string[] s_expected =
    [
        "file-1 batch 600000 bytes", "file-out batch_output 22 bytes", "file-err batch_output 11 bytes",
        "batch_1 Completed 3 2 1 usage 20", "no lines", "no results",
    ];

    public void Dispose()
    {
        server.Dispose();
        GC.SuppressFinalize(this);
    }

    [StoreFact]
    public async Task A_statement_that_fails_once_loses_and_repeats_nothing() =>
        await ForEveryStatement(Fault.OnceBefore);

    [StoreFact]
    public async Task A_statement_that_works_and_claims_to_have_failed_repeats_nothing() =>
        await ForEveryStatement(Fault.OnceAfter);

    [StoreFact]
    public async Task A_process_that_dies_before_a_statement_has_kept_what_it_acknowledged() =>
        await ForEveryStatement(Fault.FromThenOn);

    private async Task ForEveryStatement(Fault fault)
    {
        var used = 0;
        for (var failing = 1; used >= failing - 1; failing++)
        {
            var life = new Life($"n{failing}");
            using var database = new FaultyDatabase(server.Connect(), fault, failing);
            await LiveAsync(database, life);
            used = database.Statements;

            await using var reopened = server.Open();
            Assert.Equal(life.Acknowledged, await life.VerifiedAsync(reopened));
            await life.LiveAsync(reopened);
            Assert.Equal(s_expected, await life.SummaryAsync(reopened));
            if (used < failing) return; // Nothing failed any more: every statement had its turn.
        }
    }

    /// <summary>Opening may be what fails.</summary>
    private static async Task LiveAsync(FaultyDatabase database, Life life)
    {
        try
        {
            await using var store = Store.Open(database);
            await life.LiveAsync(store);
        }
        catch (StorageException)
        {
            // The caller gave up; what it had been told holds.
        }
    }
}
