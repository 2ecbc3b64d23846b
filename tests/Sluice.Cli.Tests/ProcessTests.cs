using System.Diagnostics;

namespace Sluice.Cli.Tests;

/// <summary>The program as a process: what only a process shows.</summary>
public sealed class ProcessTests
{
    [Fact]
    public void Redirected_output_holds_the_object_and_nothing_else()
    {
        var ran = Start("simulate", "--workload", Shell.Quick, "--json");

        Assert.Equal((ExitCodes.Ok, ""), (ran.Code, ran.Error));
        Assert.Equal(Shell.Succeed("simulate", "--workload", Shell.Quick, "--json").Fingerprint, ran.Fingerprint);
    }

    [Fact]
    public void A_wrong_flag_leaves_one_line_and_exit_code_2()
    {
        var ran = Start("simulate", "--sytem", "sjf");

        Assert.Equal((ExitCodes.BadInput, ""), (ran.Code, ran.Out));
        Assert.StartsWith("sluice: --sytem: ", ran.Error, StringComparison.Ordinal);
    }

    private static Ran Start(params string[] args)
    {
        var dll = typeof(App).Assembly.Location;
        using var process = Process.Start(new ProcessStartInfo("dotnet", ["exec", dll, .. args])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new(process.ExitCode, output, error.Result);
    }
}
