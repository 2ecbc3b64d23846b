using System.Text.RegularExpressions;

namespace Sluice.Repo.Tests;

public sealed partial class SourceTextTests
{
    private const int FileLinesMax = 500;
    private const int LineColumnsMax = 140;

    // Written apart, so that this file does not break its own rules.
    private static readonly (string Text, string Instead)[] s_bannedInTests =
    [
        ("Thread." + "Sleep(", "advance virtual time by an event, or wait for the event itself"),
        ("Task." + "Delay(", "advance virtual time by an event, or wait for the event itself"),
        ("DateTime." + "Now", "write the instant that the case is about"),
        ("DateTime." + "UtcNow", "write the instant that the case is about"),
        ("DateTimeOffset." + "Now", "write the instant that the case is about"),
        ("DateTimeOffset." + "UtcNow", "write the instant that the case is about"),
    ];

    [Fact]
    public void No_test_sleeps_or_reads_the_clock()
    {
        var offenders =
            from file in Repository.FilesIn("tests/", ".cs")
            from line in Repository.Lines(file).Index()
            from banned in s_bannedInTests
            where line.Item.Contains(banned.Text, StringComparison.Ordinal)
            select $"{file}:{line.Index + 1}: {banned.Text}: {banned.Instead}";

        Repository.AssertNone(offenders, "A test gives the same answer at any time and at any speed:");
    }

    [Fact]
    public void A_source_file_has_at_most_500_lines()
    {
        var offenders =
            from file in Repository.FilesIn("src/", ".cs")
            let lines = Repository.Lines(file).Length
            where lines > FileLinesMax
            select $"{file} has {lines}";

        Repository.AssertNone(offenders, "Split it by what changes together; a file holds one idea:");
    }

    [Fact]
    public void A_source_line_has_at_most_140_columns()
    {
        var offenders =
            from file in Repository.FilesIn("src/", ".cs")
            from line in Repository.Lines(file).Index()
            where line.Item.Length > LineColumnsMax
            select $"{file}:{line.Index + 1} has {line.Item.Length}";

        Repository.AssertNone(offenders, "Break the line; 120 columns is the aim:");
    }

    [Fact]
    public void A_text_file_has_Unix_line_ends_and_ends_with_one()
    {
        var offenders = Repository.FilesIn("", ".cs", ".csproj", ".props", ".md", ".js", ".css", ".html", ".yaml", ".svg")
            .Where(file => Repository.Read(file) is { Length: > 0 } text && (!text.EndsWith('\n') || text.Contains('\r')));

        Repository.AssertNone(offenders, "Save it with LF line ends and a final one (.editorconfig says so to editors):");
    }

    [Fact]
    public void No_file_names_a_folder_of_one_machine_or_a_private_registry()
    {
        var offenders =
            from file in Repository.Files
            let text = TextOf(file)
            from match in MachinePath().Matches(text).Concat(PrivateRegistry().Matches(text))
            select $"{file}:{text.AsSpan(0, match.Index).Count('\n') + 1}: {match.Value}";

        Repository.AssertNone(offenders, "It works on one machine only. Use a relative path, or the public registry:");
    }

    [Fact]
    public void Every_banned_symbol_says_what_to_use_instead()
    {
        var offenders =
            from file in Repository.FilesIn("eng/BannedSymbols", ".txt")
            from line in Repository.Lines(file).Index()
            where line.Item.Length > 0 && !line.Item.StartsWith("//", StringComparison.Ordinal)
            where !BannedSymbol().IsMatch(line.Item)
            select $"{file}:{line.Index + 1}: {line.Item}";

        Repository.AssertNone(offenders, "Write SYMBOL; what to do instead:");
    }

    /// <summary>Empty for a binary file: one with a zero byte near its beginning.</summary>
    private static string TextOf(string file)
    {
        using var stream = File.OpenRead(Path.Combine(Repository.Root, file));
        var head = new byte[8000];
        var read = stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        return head.AsSpan(0, read).Contains((byte)0) ? "" : Repository.Read(file);
    }

    [GeneratedRegex(@"(?<![\w.~-])/(work|home|root|Users)/\w+")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"https?://((10|127)\.\d|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|localhost|[\w-]+(:\d+)?/)[^\s""'<>]*"
        + @"(npm|nuget|registry|index\.json|\.tgz|\.nupkg)"
        + @"|https?://[^\s/""'<>]*(artifactory|nexus|proget|verdaccio|\.internal\b|\.corp\b)", RegexOptions.IgnoreCase)]
    private static partial Regex PrivateRegistry();

    [GeneratedRegex(@"^[NTMPFE]:[^;\s]+; \S")]
    private static partial Regex BannedSymbol();
}
