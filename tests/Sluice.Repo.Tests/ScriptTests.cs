namespace Sluice.Repo.Tests;

/// <summary>The two scripts of the root: <c>.ci/run</c>, which counts tests, and <c>sluice</c>, which starts the command
/// line.</summary>
public sealed class ScriptTests
{
    private const string Green =
        "Passed!  - Failed:     0, Passed:     3, Skipped:     0, Total:     3, Duration: 9 ms - A.Tests.dll (net10.0)\n";
    private const string Red =
        "Failed!  - Failed:     2, Passed:    13, Skipped:     1, Total:    16, Duration: 1 s - B.Tests.dll (net10.0)\n";

    [Theory]
    [InlineData(Green, "3 passed, 0 failed", 0)]
    [InlineData(Green + "noise\n" + Green, "6 passed, 0 failed", 0)]
    [InlineData(Green + Red, "16 passed, 2 failed, 1 skipped", 1)]
    [InlineData("error CS0103: The name 'x' does not exist in the current context\n", "0 passed, 0 failed", 1)]
    public void CI_adds_up_every_test_project_and_fails_when_a_test_failed_or_none_ran(string log, string last, int status)
    {
        if (OperatingSystem.IsWindows()) return;

        var run = Repository.Run("bash", [".ci/run", "--count"], log);

        Assert.Equal((status, last), (run.Status, run.Output.TrimEnd('\n')));
    }

    [Theory]
    [InlineData("sluice")]
    [InlineData(".ci/run")]
    public void A_script_is_executable_in_every_clone(string script)
    {
        var (_, output, _) = Repository.Run("git", ["ls-files", "--stage", "--", script]);

        Assert.True(output.StartsWith("100755 ", StringComparison.Ordinal), $"Run: git add --chmod=+x {script}");
    }

    [Fact]
    public void The_launcher_says_where_to_get_the_SDK_when_there_is_none()
    {
        if (OperatingSystem.IsWindows()) return;

        var run = Repository.Run("/bin/sh", ["sluice"], environment:
            [("PATH", "/nowhere"), ("HOME", "/nowhere"), ("DOTNET_ROOT", "/nowhere")]);

        Assert.Equal(127, run.Status);
        Assert.Contains("needs the .NET 10 SDK", run.Errors, StringComparison.Ordinal);
        Assert.Contains("https://dotnet.microsoft.com/download", run.Errors, StringComparison.Ordinal);
    }
}
