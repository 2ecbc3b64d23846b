using Microsoft.Data.Sqlite;

namespace Sluice.Storage.Tests;

public sealed class OpeningTests
{
    [Fact]
    public async Task A_folder_belongs_to_one_store_at_a_time()
    {
        using var server = new SqliteServer();
        var first = server.Open();

        var failure = Assert.Throws<StorageException>(server.Open);
        Assert.Contains("in use by another process", failure.Message, StringComparison.Ordinal);

        await first.DisposeAsync();
        await server.Open().DisposeAsync();
    }

    [Fact]
    public async Task Data_of_a_later_version_is_refused()
    {
        using var server = new SqliteServer();
        await server.Open().DisposeAsync();
        using (var connection = new SqliteConnection($"Data Source={Path.Combine(server.Folder, "sluice.db")};Pooling=false"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "UPDATE sluice_schema SET version = 99";
            command.ExecuteNonQuery();
        }

        var failure = Assert.Throws<StorageException>(server.Open);
        Assert.Contains("has format 99 of a later Sluice", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_no_database_is_left_alone_and_named()
    {
        using var server = new SqliteServer();
        var file = Path.Combine(server.Folder, "sluice.db");
        File.WriteAllText(file, new string('x', 5000));

        var failure = Assert.Throws<StorageException>(server.Open);

        Assert.Contains(file, failure.Message, StringComparison.Ordinal);
        Assert.Equal(new string('x', 5000), File.ReadAllText(file));
    }

    [Fact]
    public void A_connection_string_that_cannot_be_read_shows_one_that_can()
    {
        var failure = Assert.Throws<StorageException>(() => Store.Open(new StorageOptions("unused", Postgres: "Hots=db")));

        Assert.Contains("Host=db;Username=sluice;Database=sluice", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_of_options_makes_its_folder()
    {
        using var server = new SqliteServer();
        var folder = Path.Combine(server.Folder, "a", "b");

        await using var store = Store.Open(new StorageOptions(folder));

        Assert.Equal(Path.Combine(folder, "sluice.db"), store.Where);
    }
}
