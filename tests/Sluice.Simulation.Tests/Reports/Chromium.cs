using System.Diagnostics;

namespace Sluice.Simulation.Tests;

/// <summary>A headless browser, where the machine has one.</summary>
internal static class Chromium
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    /// <summary>The page's elements after its scripts have run.</summary>
    public static string Render(string html)
    {
        var folder = Directory.CreateTempSubdirectory("sluice-browser-").FullName;
        try
        {
            var page = Path.Combine(folder, "page.html");
            File.WriteAllText(page, html);
            return Run(folder, page);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Run(string folder, string page)
    {
        using var browser = Process.Start(new ProcessStartInfo(Programs.Browser!)
        {
            ArgumentList =
            {
                "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1280,2400",
                $"--user-data-dir={Path.Combine(folder, "profile")}", "--dump-dom", new Uri(page).AbsoluteUri,
            },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = browser.StandardOutput.ReadToEndAsync();
        var errors = browser.StandardError.ReadToEndAsync();
        if (!browser.WaitForExit(s_limit))
        {
            browser.Kill(entireProcessTree: true);
            Assert.Fail($"the browser did not end within {s_limit.TotalSeconds} s");
        }

        Assert.True(browser.ExitCode == 0, errors.Result);
        return output.Result;
    }
}

/// <summary>A fact that needs a browser; skipped, with the reason, on a machine without one.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute() => Skip = Programs.NoBrowser;
}
