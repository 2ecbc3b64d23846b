using System.Text.RegularExpressions;
using Sluice.Policies;

namespace Sluice.Cli.Tests;

/// <summary>Settings in the tables of docs/systems are those of the systems that the page is about, with the defaults they have.</summary>
public sealed partial class DocumentedSettingsTests
{
    public static TheoryData<string> Pages =>
        [.. Directory.GetFiles(Path.Combine(DocumentedCommandTests.Root, "docs", "systems"), "*.md").Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)];

    [Theory, MemberData(nameof(Pages))]
    public void Settings_and_defaults_of_a_page_are_those_of_the_code(string page)
    {
        var text = File.ReadAllText(Path.Combine(DocumentedCommandTests.Root, "docs", "systems", page));
        SettingInfo[] known = [.. Named().Matches(text).Select(m => m.Groups["name"].Value).Distinct().SelectMany(SettingsOf)];
        foreach (Match table in SettingTable().Matches(text))
        {
            var header = Cells(table.Groups["header"].Value);
            var (setting, byDefault) = (Array.IndexOf(header, "setting"), Array.IndexOf(header, "default"));
            foreach (var line in table.Groups["rows"].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                var cells = Cells(line);
                string[] keys = [.. Key().Matches(cells[setting]).Select(m => m.Groups["key"].Value).Where(k => k[0] != '-')];
                var defaults = Mark().Replace(cells[byDefault], "").Replace("`", "", StringComparison.Ordinal).Split(", ");
                Assert.True(keys.Length > 0, $"{page}: no setting in {line}");
                foreach (var (i, key) in keys.Index())
                {
                    var said = Aside().Replace(defaults[Math.Min(i, defaults.Length - 1)], "").Trim().Split(' ')[0];
                    string[] real = [.. known.Where(s => s.Key == key).Select(s => s.Default.Split(' ')[0]).Distinct()];
                    Assert.True(real.Contains(said), $"{page}: {key} is documented with {said}; it has {string.Join(" or ", real)}");
                }
            }
        }
    }

    private static IReadOnlyList<SettingInfo> SettingsOf(string system)
    {
        var settings = PolicySettings.None;
        Catalog.Make(system, settings);
        return settings.Read;
    }

    private static string[] Cells(string line) => [.. line.Split('|').Select(c => c.Trim())];

    [GeneratedRegex(@"--system (?<name>[a-z0-9-]+)")]
    private static partial Regex Named();

    /// <summary>A table with columns headed <c>setting</c> and <c>default</c>.</summary>
    [GeneratedRegex(@"^(?<header>\|.*\bsetting\b.*\| default \|.*)\n\|[-:| ]+\n(?<rows>(\|.*\n?)+)",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex SettingTable();

    [GeneratedRegex(@"`(?<key>[a-z0-9-]+)`")]
    private static partial Regex Key();

    [GeneratedRegex(@"\[[VSRCI]\]")]
    private static partial Regex Mark();

    [GeneratedRegex(@"\(.*?\)")]
    private static partial Regex Aside();
}
