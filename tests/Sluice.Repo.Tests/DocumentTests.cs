using System.Text.RegularExpressions;

namespace Sluice.Repo.Tests;

public sealed partial class DocumentTests
{
    private static IEnumerable<string> Documents => Repository.FilesIn("", ".md");

    [Fact]
    public void Every_relative_link_leads_to_a_file_and_a_heading()
    {
        var offenders =
            from document in Documents
            from Match link in Link().Matches(Code().Replace(Repository.Read(document), ""))
            let target = link.Groups["target"].Value
            where !target.Contains("://", StringComparison.Ordinal)
                && !target.StartsWith("mailto:", StringComparison.Ordinal)
            where !Leads(document, target)
            select $"{document}: {target}";

        Repository.AssertNone(offenders, "Correct the link, or commit what it leads to:");
    }

    [Theory]
    [InlineData("./sluice simulate")]
    [InlineData("dotnet test")]
    public void The_README_shows_the_two_commands_of_a_fresh_clone(string command)
    {
        Assert.True(ReadmeCommands().Contains(command), $"README.md needs a sh block with the line: {command}");
    }

    [Fact]
    public void The_README_shows_one_test_command_and_CI_runs_just_that()
    {
        if (OperatingSystem.IsWindows()) return; // CI is a bash script.

        var inReadme = ReadmeCommands().Where(c => c.StartsWith("dotnet test", StringComparison.Ordinal)).ToArray();
        var inCi = Repository.Run("bash", [".ci/run", "--command"]).Output.Trim();

        Assert.True(inReadme is [var only] && only == inCi,
            $".ci/run takes its command from the README's only 'dotnet test' line. README: {string.Join(" | ", inReadme)}. "
            + $".ci/run: {inCi}");
    }

    [Fact]
    public void Every_system_of_the_catalog_has_a_page_that_says_how_to_run_it()
    {
        var pages = string.Join('\n', Repository.FilesIn("docs/systems/", ".md").Select(Repository.Read));
        string[] systems = [.. CatalogLine().Matches(Repository.Read("src/Sluice.Policies/Catalog.cs")).Select(m => m.Groups["name"].Value)];
        var offenders = systems.Where(name => !Regex.IsMatch(pages, $@"--system {name}(?![\w-])"));

        Assert.True(systems.Length > 20, $"{systems.Length} systems found in Catalog.cs");
        Repository.AssertNone(offenders, "Describe it in docs/systems, with the words --system NAME:");
    }

    /// <summary>Marks are those of <c>sluice reproduce</c>.</summary>
    [Fact]
    public void A_table_beside_a_paper_says_of_each_figure_how_it_is_known()
    {
        var offenders =
            from document in Repository.FilesIn("docs/", ".md")
            from Match table in PaperTable().Matches(Repository.Read(document))
            let paper = Array.IndexOf(Cells(table.Groups["header"].Value), "paper")
            from line in table.Groups["rows"].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            where !SourceMark().IsMatch(Cells(line)[paper])
            select $"{document}: {line}";

        Repository.AssertNone(offenders, "End the paper's cell with [V], [S], [R], [C] or [I]:");

        static string[] Cells(string line) => [.. line.Split('|').Select(c => c.Trim())];
    }

    /// <summary>Lines of the README's sh blocks, without comments.</summary>
    private static List<string> ReadmeCommands() =>
    [
        .. from Match block in ShellBlock().Matches(Repository.Read("README.md"))
           from line in block.Groups["lines"].Value.Split('\n')
           let command = Comment().Replace(line, "").Trim()
           where command.Length > 0
           select command,
    ];

    private static bool Leads(string document, string target)
    {
        var parts = target.Split('#', 2);
        var folder = Path.GetDirectoryName(document)!;
        var file = parts[0].Length == 0 ? document : Path.Combine(folder, Uri.UnescapeDataString(parts[0]));
        if (!Repository.Exists(file)) return false;
        return parts.Length == 1 || !file.EndsWith(".md", StringComparison.Ordinal)
            || Heading().Matches(Code().Replace(Repository.Read(file), "")).Any(h => Anchor(h.Groups[1].Value) == parts[1]);
    }

    /// <summary>The anchor that GitHub gives a heading.</summary>
    private static string Anchor(string heading) => new(
        [.. heading.Trim().ToLowerInvariant().Where(c => char.IsLetterOrDigit(c) || c is ' ' or '-' or '_')
            .Select(c => c == ' ' ? '-' : c)]);

    [GeneratedRegex(@"\]\(\s*<?(?<target>[^)\s>]+)>?[^)]*\)|(src|href)=""(?<target>[^""]+)""|^\[[^\]]+\]:\s+(?<target>\S+)",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Link();

    /// <summary>An entry of the catalog.</summary>
    [GeneratedRegex(@"^ {8}new\(""(?<name>[a-z0-9-]+)"", """, RegexOptions.Multiline)]
    private static partial Regex CatalogLine();

    /// <summary>A table with a column that is headed <c>paper</c>.</summary>
    [GeneratedRegex(@"^(?<header>\|.*\| paper \|.*)\n\|[-:| ]+\n(?<rows>(\|.*\n?)+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex PaperTable();

    [GeneratedRegex(@"\[[VSRCI]\]$")]
    private static partial Regex SourceMark();

    /// <summary>Fenced blocks; a link inside one is an example.</summary>
    [GeneratedRegex(@"^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Code();

    [GeneratedRegex(@"^#+ (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"^```sh\n(?<lines>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex ShellBlock();

    [GeneratedRegex(@"(^|\s)#.*$")]
    private static partial Regex Comment();
}
