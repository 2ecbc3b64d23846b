namespace Sluice.Testing;

/// <summary>Programs of this machine that some tests need.</summary>
public static class Programs
{
    private static readonly string[] s_browsers = ["chromium", "chromium-browser", "google-chrome"];

    /// <summary>A browser that can run headless; null where there is none.</summary>
    public static string? Browser { get; } = OnPath(s_browsers);

    /// <summary>Why tests that need <see cref="Browser"/> are skipped; null where there is one.</summary>
    public static string? NoBrowser =>
        Browser is null ? $"no {string.Join(" or ", s_browsers)} on the PATH" : null;

    /// <returns>The first that is found; null if none is.</returns>
    public static string? OnPath(params IEnumerable<string> names) =>
        (from name in names
         from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
         let path = Path.Combine(folder, name)
         where folder.Length > 0 && File.Exists(path)
         select path).FirstOrDefault();
}
