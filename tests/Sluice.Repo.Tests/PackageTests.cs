using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Sluice.Repo.Tests;

public sealed partial class PackageTests
{
    private static IEnumerable<string> BuildFiles => Repository.FilesIn("", ".csproj", ".props", ".targets");

    [Fact]
    public void Every_central_version_is_one_exact_version()
    {
        var offenders = Repository.Xml("Directory.Packages.props").Descendants()
            .Where(e => e.Name.LocalName is "PackageVersion" or "GlobalPackageReference")
            .Where(e => !ExactNuGet().IsMatch(e.Attribute("Version")?.Value ?? ""))
            .Select(e => e.ToString());

        Repository.AssertNone(offenders, "Write one version in brackets, [1.2.3]: a bare 1.2.3 means that or newer:");
    }

    [Fact]
    public void Versions_stand_in_Directory_Packages_props_and_nowhere_else()
    {
        var offenders =
            from file in BuildFiles
            from reference in Repository.Xml(file).Descendants("PackageReference")
            where reference.Attribute("Version") is not null || reference.Attribute("VersionOverride") is not null
                || reference.Element("Version") is not null || reference.Element("VersionOverride") is not null
            select $"{file}: {reference}";

        Repository.AssertNone(offenders, "Move the version to Directory.Packages.props:");
    }

    [Fact]
    public void The_build_refuses_floating_versions_and_in_CI_a_stale_lock_file()
    {
        var properties = Repository.Xml("Directory.Build.props").Descendants()
            .ToLookup(e => e.Name.LocalName, e => e.Value);
        (string Name, string Value)[] needed =
        [
            ("ManagePackageVersionsCentrally", "true"), ("CentralPackageFloatingVersionsEnabled", "false"),
            ("CentralPackageVersionOverrideEnabled", "false"), ("RestorePackagesWithLockFile", "true"),
            ("RestoreLockedMode", "true"),
        ];

        Repository.AssertNone(
            needed.Where(p => !properties[p.Name].SequenceEqual([p.Value])).Select(p => $"<{p.Name}>{p.Value}</{p.Name}>"),
            "Directory.Build.props must set, once:");
    }

    [Fact]
    public void Every_project_has_a_lock_file_that_asks_for_exact_versions()
    {
        var projects = Repository.FilesIn("", ".csproj").ToArray();
        var missing = projects.Select(p => Path.GetDirectoryName(p)!.Replace('\\', '/') + "/packages.lock.json")
            .Where(lockFile => !Repository.Files.Contains(lockFile)).Select(lockFile => $"{lockFile} is missing");
        var floating =
            from lockFile in Repository.FilesIn("", "packages.lock.json")
            from framework in JsonNode.Parse(Repository.Read(lockFile))!["dependencies"]!.AsObject()
            from package in framework.Value!.AsObject()
            where (string?)package.Value!["type"] is "Direct" or "CentralTransitive"
            let asked = (string?)package.Value["requested"] ?? ""
            where !ExactLock().IsMatch(asked)
            select $"{lockFile} asks for {package.Key} {asked}";

        Repository.AssertNone(missing.Concat(floating), "Run dotnet restore and commit every packages.lock.json:");
    }

    [Fact]
    public void Every_npm_dependency_is_one_exact_version()
    {
        var offenders =
            from file in Repository.Files
            where Path.GetFileName(file) == "package.json"
            from section in new[] { "dependencies", "devDependencies", "optionalDependencies" }
            from package in JsonNode.Parse(Repository.Read(file))![section]?.AsObject() ?? []
            where !ExactNpm().IsMatch((string?)package.Value ?? "")
            select $"{file}: {package.Key} {package.Value}";

        Repository.AssertNone(offenders, "Write one version, 1.2.3, without ^ or ~:");
    }

    [GeneratedRegex(@"^\[\d+(\.\d+){2,3}(-[0-9A-Za-z.-]+)?\]$")]
    private static partial Regex ExactNuGet();

    [GeneratedRegex(@"^\[([^,\s]+), \1\]$")]
    private static partial Regex ExactLock();

    [GeneratedRegex(@"^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$")]
    private static partial Regex ExactNpm();
}
