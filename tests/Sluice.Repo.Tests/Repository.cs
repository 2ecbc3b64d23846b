using System.Diagnostics;
using System.Xml.Linq;

namespace Sluice.Repo.Tests;

/// <summary>The checkout that this test was built in, as the rules see it: its tracked and its new files.</summary>
public static class Repository
{
    private static readonly Lazy<string[]> s_files = new(ListFiles);

    public static string Root { get; } = FindRoot();

    /// <summary>Paths from the root, with forward slashes: what is tracked and what is about to be; what git ignores is
    /// not there.</summary>
    public static IReadOnlyList<string> Files => s_files.Value;

    public static IEnumerable<string> FilesIn(string folder, params string[] extensions) => Files.Where(file =>
        file.StartsWith(folder, StringComparison.Ordinal) && extensions.Any(e => file.EndsWith(e, StringComparison.Ordinal)));

    public static string Read(string file) => File.ReadAllText(Path.Combine(Root, file));

    public static string[] Lines(string file) => File.ReadAllLines(Path.Combine(Root, file));

    public static XDocument Xml(string file) => XDocument.Parse(Read(file));

    public static bool Exists(string file) => Path.Exists(Path.Combine(Root, file));

    /// <summary>Fails with one line per offender and, once, what to do about it.</summary>
    public static void AssertNone(IEnumerable<string> offenders, string whatToDo)
    {
        string[] all = [.. offenders];
        Assert.True(all.Length == 0, $"{whatToDo}\n  {string.Join("\n  ", all)}");
    }

    /// <summary>Runs a program in the root and waits for it. The environment is this process's, changed as said.</summary>
    public static (int Status, string Output, string Errors) Run(
        string program, IEnumerable<string> arguments, string input = "",
        IEnumerable<(string Name, string Value)>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Root,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment ?? []) start.Environment[name] = value;

        using var process = Process.Start(start)!;
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, errors.Result);
    }

    private static string[] ListFiles()
    {
        var (status, output, errors) =
            Run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        Assert.True(status == 0, $"The rules about the repository need git and a clone, not an archive. {errors}");
        return [.. output.Split('\0', StringSplitOptions.RemoveEmptyEntries).Where(Exists).Order(StringComparer.Ordinal)];
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Sluice.slnx")))
            folder = folder.Parent ?? throw new InvalidOperationException("No Sluice.slnx above the test's own folder.");
        return folder.FullName;
    }
}
