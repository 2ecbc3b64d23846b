using System.Globalization;
using System.Text.Json;
using Sluice.Storage;

namespace Sluice.Gateway.Tests;

/// <summary>A gateway is killed in the middle of a batch and started again, many times. The environment variable
/// SLUICE_KILLS says how often (50 takes a minute); a few times otherwise.</summary>
public sealed class KillTests
{
    private const int Lines = 3000;

    /// <summary>Lines that may run before the first kill. So few that the batch does not end before the last.</summary>
    private const int FirstMax = 200;

    private static readonly int s_kills = int.TryParse(
        Environment.GetEnvironmentVariable("SLUICE_KILLS"), NumberStyles.None, CultureInfo.InvariantCulture, out var kills) ? kills : 3;

    [Fact]
    public async Task Every_line_of_a_batch_ends_once_however_often_the_gateway_is_killed()
    {
        var folder = BatchGateway.NewFolder();
        var rng = new Random(17);
        string id;
        var count = rng.Next(FirstMax);
        using (var first = ChildGateway.Start(folder, count))
        {
            id = await SubmitAsync(await first.AddressAsync());
            await first.LinesAsync(count);
        }

        for (var kill = 1; kill < s_kills; kill++)
        {
            var recorded = await RecordedAsync(folder, id);
            count = rng.Next((Lines - FirstMax) / s_kills);
            using var host = ChildGateway.Start(folder, count);
            var run = await host.LinesAsync(count);
            Assert.Empty(run.Intersect(recorded)); // What has a result is not run again.
        }

        using var last = ChildGateway.Start(folder);
        using var client = new HttpClient { BaseAddress = new(await last.AddressAsync()) };
        JsonElement batch;
        do batch = JsonDocument.Parse(await client.GetStringAsync($"/v1/batches/{id}")).RootElement;
        while (batch.GetProperty("status").GetString() is "in_progress" or "validating" or "finalizing");

        Assert.Equal("completed", batch.GetProperty("status").GetString());
        Assert.Equal(Lines, batch.GetProperty("request_counts").GetProperty("completed").GetInt32());
        var output = await client.GetStringAsync($"/v1/files/{batch.GetProperty("output_file_id").GetString()}/content");
        var ids = output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("custom_id").GetString()!).ToList();
        Assert.Equal(Lines, ids.Count);
        Assert.Equal(Lines, ids.Distinct().Count());
        last.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private static async Task<string> SubmitAsync(string address)
    {
        using var client = new HttpClient { BaseAddress = new(address) };
        var form = new MultipartFormDataContent
        {
            { new StringContent("batch"), "purpose" },
            { new StringContent(BatchGateway.Lines(Lines)), "file", "lines.jsonl" },
        };
        var file = await (await client.PostAsync("/v1/files", form)).JsonAsync();
        var batch = await client.PostAsync("/v1/batches", new StringContent(
            $$"""{"input_file_id":"{{file.GetProperty("id").GetString()}}","endpoint":"/v1/chat/completions","completion_window":"24h"}"""));
        return (await batch.JsonAsync()).GetProperty("id").GetString()!;
    }

    /// <summary>Custom ids that have a result while no gateway runs.</summary>
    private static async Task<HashSet<string>> RecordedAsync(string folder, string id)
    {
        await using var store = Store.Open(new StorageOptions(folder));
        var recorded = new HashSet<string>(StringComparer.Ordinal);
        await foreach (var result in store.Lines.ResultsAsync(id, default)) recorded.Add($"c{result.Line}");
        return recorded;
    }
}
