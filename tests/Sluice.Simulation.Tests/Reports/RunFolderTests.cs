namespace Sluice.Simulation.Tests;

public sealed class RunFolderTests : IDisposable
{
    private static readonly string[] s_filesOfRun =
        ["report.html", "requests.csv", "result.json", "run.json", "timeseries.csv", "trace.json"];

    private readonly string _folder = Directory.CreateTempSubdirectory("sluice-report-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void One_run_fills_the_folder()
    {
        RunFolder.Write(_folder, [MadeUpRun.Make(requests: 50)]);

        Assert.Equal(s_filesOfRun, FilesIn(_folder));
    }

    [Fact]
    public void Several_runs_have_a_folder_each_and_a_comparison()
    {
        RunFolder.Write(_folder, [MadeUpRun.Make("fcfs", requests: 50), MadeUpRun.Make("../up & away", requests: 50)]);

        Assert.Equal(["comparison.json", "comparison.txt", "report.html"], FilesIn(_folder));
        Assert.Equal(["01-fcfs", "02-up-away"], Directory.GetDirectories(_folder).Select(Path.GetFileName).Order());
        Assert.Equal(s_filesOfRun, FilesIn(Path.Combine(_folder, "02-up-away")));
    }

    [Fact]
    public void The_saved_settings_read_back()
    {
        var run = MadeUpRun.Make(requests: 50);
        RunFolder.Write(_folder, [run]);

        using var file = File.OpenRead(Path.Combine(_folder, "run.json"));
        Assert.Equal(run.Settings, RunConfig.Read(file, "run.json"));
    }

    private static IEnumerable<string?> FilesIn(string folder) =>
        Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal);
}
