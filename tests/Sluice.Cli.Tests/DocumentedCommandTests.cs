using System.Text.RegularExpressions;
using Sluice.Testing;

namespace Sluice.Cli.Tests;

/// <summary>What README.md and the pages of docs/ tell to type, typed.</summary>
public sealed partial class DocumentedCommandTests
{
    /// <summary>Minutes of work, files and servers that a reader has to bring, or what runs until it is stopped and has tests of
    /// its own.</summary>
    private static readonly string[] s_notHere =
        ["bench ", "serve", "top", "validate DIR", "reproduce", "my-", "FOLDER", "FILE", "n=1000000"];

    public static TheoryData<string> Commands =>
        new(Pages().SelectMany(page => CommandsOf(File.ReadAllText(page))).Where(c => !s_notHere.Any(c.Contains)).Distinct());

    [Fact]
    public void The_README_shows_commands() => Assert.NotEmpty(CommandsOf(File.ReadAllText(Path.Combine(Root, "README.md"))));

    [Theory, MemberData(nameof(Commands))]
    public void A_documented_command_runs(string command)
    {
        using var folder = new TempFolder();
        string[] args = [.. Words(command).Select(word => word.StartsWith("out/", StringComparison.Ordinal) ? folder.File(word[4..]) : word)];
        if (args.Contains("--config"))
            Shell.Succeed("simulate", "--workload", Shell.Quick, "--out", Path.GetDirectoryName(args[Array.IndexOf(args, "--config") + 1])!);

        Shell.Succeed(args);
    }

    internal static string Root
    {
        get
        {
            var at = new DirectoryInfo(AppContext.BaseDirectory);
            while (!File.Exists(Path.Combine(at.FullName, "Sluice.slnx"))) at = at.Parent!;
            return at.FullName;
        }
    }

    private static IEnumerable<string> Pages() =>
        Directory.GetFiles(Path.Combine(Root, "docs"), "*.md").Append(Path.Combine(Root, "README.md")).Order(StringComparer.Ordinal);

    /// <summary>Lines of sh blocks that begin with ./sluice, continued lines joined, without it and without comments.</summary>
    private static IEnumerable<string> CommandsOf(string text) =>
        from Match block in ShellBlock().Matches(text)
        from line in block.Groups["lines"].Value.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n')
        where line.StartsWith("./sluice ", StringComparison.Ordinal)
        select Comment().Replace(line["./sluice ".Length..], "").Trim();

    /// <summary>As a shell splits them; quotes hold blanks together.</summary>
    private static IEnumerable<string> Words(string command) =>
        Word().Matches(command).Select(m => m.Value.Replace("\"", "", StringComparison.Ordinal).Replace("'", "", StringComparison.Ordinal));

    [GeneratedRegex(@"^```sh\n(?<lines>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex ShellBlock();

    [GeneratedRegex(@"\s#.*$")]
    private static partial Regex Comment();

    [GeneratedRegex("""(?:[^\s"']|"[^"]*"|'[^']*')+""")]
    private static partial Regex Word();
}
