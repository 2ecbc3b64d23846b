using Sluice.Core;

namespace Sluice.Simulation.Tests;

public sealed class ServeGenWorkloadTests : IDisposable
{
    private const string Dataset = """
        {"0": {"input_tokens": "{10: 0.25, 20: 0.75}", "output_tokens": "{5: 1.0}", "reason_ratio": "{0.5: 1.0}"},
         "21600": {"input_tokens": "{}", "output_tokens": "{}"}}
        """;

    private const string Multimodal = """
        {"0": {"text_tokens": "{50: 1.0}", "output_tokens": "{7: 1.0}", "image_tokens": "{100: 1.0}",
               "image_count": "{2: 1.0}", "video_tokens": "{0: 1.0}", "video_count": "{0: 1.0}"}}
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("sluice-servegen").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void Client(int number, string? trace, string? dataset)
    {
        if (trace is not null) File.WriteAllText(Path.Combine(_folder, $"chunk-{number}-trace.csv"), trace);
        if (dataset is not null) File.WriteAllText(Path.Combine(_folder, $"chunk-{number}-dataset.json"), dataset);
    }

    private Workload Make(string keys, ulong seed = 1)
    {
        var load = WorkloadSource.FromSpec($"servegen:dir={_folder},{keys}", new Rng(seed));
        WorkloadRules.Hold(load);
        return load;
    }

    private string Complaint(string keys) =>
        Assert.Throws<InputException>(() => Make(keys)).Message.Replace(_folder, "DIR", StringComparison.Ordinal);

    [Fact]
    public void Rates_and_lengths_are_those_of_the_clients()
    {
        Client(2, "0,10,1,Gamma,1,0.1\n600,20,2,Weibull,0.5,1\n1200,0,0,,0,0\n", Dataset);
        Client(10, "0,5,0.5,Gamma,4,0.05\n600,5,0.5,Gamma,4,0.05\n", Dataset);
        var load = Make("duration=30m");

        Assert.Equal(["chunk-2", "chunk-10"], load.Tenants);
        Assert.Equal(6000, load.Requests.Count(r => r.Tenant.Index == 0 && r.Arrival.Seconds < 600), 300.0);
        Assert.Equal(12_000, load.Requests.Count(r => r.Tenant.Index == 0 && r.Arrival.Seconds >= 600), 1000.0);
        Assert.Equal(6000, load.Requests.Count(r => r.Tenant.Index == 1), 150.0);
        Assert.Equal(17.5, load.Requests.Average(r => r.PromptTokens), 0.2);
        Assert.True(load.Requests[^1].Arrival.Seconds < 1200);
    }

    [Fact]
    public void Start_and_scale_choose_the_part_and_its_rate()
    {
        Client(1, "0,10,1,Gamma,1,0.1\n600,1,1,Gamma,1,1\n", Dataset);

        Assert.Equal(1200, Make("duration=5m,start=10m,scale=4").Requests.Length, 130.0);
    }

    [Fact]
    public void Images_become_media_work()
    {
        Client(1, "0,1,1,Gamma,1,1\n", Multimodal);
        var request = Make("duration=10m").Requests[0];

        Assert.Equal(new MediaWork(MediaKind.Image, 2, 200, TimeSpan.FromMilliseconds(40)), request.Media);
        Assert.Equal(250, request.PromptTokens);
    }

    [Fact]
    public void Clients_lacking_a_half_or_any_data_are_passed_over_and_counted()
    {
        Client(1, "0,1,1,Gamma,1,1\n", Dataset);
        Client(2, "0,1,1,Gamma,1,1\n", null);
        Client(3, null, Dataset);
        Client(4, "0,1,1,Gamma,1,1\n", """{"0": {"input_tokens": "{}", "output_tokens": "{}"}}""");

        Assert.Contains("1 clients (3 without data passed over)", Make("duration=10m").Origin, StringComparison.Ordinal);
    }

    [Fact]
    public void Equal_seeds_give_equal_mixes_and_a_client_more_changes_no_other()
    {
        Client(1, "0,2,3,Gamma,1,1\n", Dataset);
        var alone = Make("duration=10m");
        Assert.Equal(alone.Requests, Make("duration=10m").Requests);

        Client(2, "0,2,3,Weibull,1,1\n", Dataset);
        var both = Make("duration=10m");
        Assert.Equal(
            alone.Requests.Select(r => (r.Arrival, r.PromptTokens)),
            both.Requests.Where(r => r.Tenant.Index == 0).Select(r => (r.Arrival, r.PromptTokens)));
    }

    [Theory]
    [InlineData("0,fast,1,Gamma,1,1", Dataset, "DIR/chunk-1-trace.csv:1: column 'rate' (2): found 'fast', expected a number from 0 to 1000000")]
    [InlineData("0,1,1,Pareto,1,1", Dataset, "chunk-1-trace.csv:1: column 'law' (4): found 'Pareto', expected Gamma, Weibull")]
    [InlineData("0,1", Dataset, "chunk-1-trace.csv:1: found 2 fields, expected t,rate,cv,law and two parameters")]
    [InlineData("600,1,1,Gamma,1,1\n0,1,1,Gamma,1,1", Dataset, "chunk-1-trace.csv:2: column 't' (1): found '0', expected windows 600 s apart")]
    [InlineData("0,1,1,Gamma,1,1", "{", "chunk-1-dataset.json: cannot be read as a ServeGen dataset: ")]
    [InlineData("0,1,1,Gamma,1,1", "[]", "chunk-1-dataset.json: expected a JSON object of windows")]
    [InlineData("0,1,1,Gamma,1,1", """{"x": {}}""", "chunk-1-dataset.json: found the window 'x', expected its start in seconds")]
    [InlineData("0,1,1,Gamma,1,1", """{"0": {"input_tokens": "{1; 2}"}}""", "chunk-1-dataset.json: window '0', 'input_tokens': expected a map such as")]
    public void A_wrong_file_is_named_with_what_would_be_right(string trace, string dataset, string complaint)
    {
        Client(1, trace, dataset);
        Assert.Contains(complaint, Complaint("duration=10m").Replace('\\', '/'), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_clients_says_what_to_do()
    {
        Assert.Contains("unpack the ServeGen archive first", Complaint("duration=1m"), StringComparison.Ordinal);
        Assert.Contains("cannot be read as a folder", Assert.Throws<InputException>(
            () => WorkloadSource.FromSpec($"servegen:dir={_folder}-none,duration=1m", new Rng(1))).Message, StringComparison.Ordinal);
    }
}
