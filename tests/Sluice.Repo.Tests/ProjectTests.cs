using System.Text.Json.Nodes;

namespace Sluice.Repo.Tests;

public sealed class ProjectTests
{
    /// <summary>Who may reference whom. Everything points at Core.</summary>
    private static readonly Dictionary<string, string[]> s_mayReference = new()
    {
        ["Sluice.Core"] = [],
        ["Sluice.Policies"] = ["Sluice.Core"],
        ["Sluice.Simulation"] = ["Sluice.Core"],
        ["Sluice.Engine"] = ["Sluice.Core"],
        ["Sluice.Upstreams"] = ["Sluice.Core", "Sluice.Simulation"],
        ["Sluice.Storage"] = ["Sluice.Core"],
        ["Sluice.Gateway"] =
        [
            "Sluice.Core", "Sluice.Policies", "Sluice.Simulation", "Sluice.Engine", "Sluice.Upstreams", "Sluice.Storage",
        ],
        ["Sluice.Cli"] =
        [
            "Sluice.Core", "Sluice.Policies", "Sluice.Simulation", "Sluice.Engine", "Sluice.Upstreams", "Sluice.Storage",
            "Sluice.Gateway",
        ],
    };

    /// <summary>Projects in src that may go without a test project, each with the reason.</summary>
    private static readonly Dictionary<string, string> s_mayLackTests = [];

    private static IEnumerable<string> Projects(string folder) => Repository.FilesIn(folder, ".csproj");

    [Fact]
    public void Every_project_in_src_has_a_row_in_the_reference_table()
    {
        Repository.AssertNone(
            Projects("src/").Select(NameOf).Except(s_mayReference.Keys)
                .Concat(s_mayReference.Keys.Except(Projects("src/").Select(NameOf))),
            "Say in ProjectTests.s_mayReference and docs/ARCHITECTURE.md what each project in src may reference:");
    }

    [Fact]
    public void A_project_in_src_references_only_what_the_table_allows()
    {
        var offenders =
            from project in Projects("src/")
            from reference in References(project)
            where !s_mayReference.GetValueOrDefault(NameOf(project), []).Contains(reference)
            select $"{project} references {reference}";

        Repository.AssertNone(offenders,
            "Point the reference the other way (an interface in Core is the usual cure); see docs/ARCHITECTURE.md:");
    }

    [Fact]
    public void Only_its_own_tests_reference_the_command_line()
    {
        var offenders = Projects("").Where(project =>
            NameOf(project) != "Sluice.Cli.Tests" && References(project).Contains("Sluice.Cli"));

        Repository.AssertNone(offenders, "Move what is needed from Sluice.Cli into the project that it belongs to:");
    }

    [Fact]
    public void Core_uses_no_package_but_the_analyzer_that_guards_it()
    {
        var own = Repository.Xml("src/Sluice.Core/Sluice.Core.csproj").Descendants()
            .Where(e => e.Name.LocalName is "PackageReference" or "FrameworkReference" or "Reference")
            .Select(e => e.ToString());
        var locked = JsonNode.Parse(Repository.Read("src/Sluice.Core/packages.lock.json"))!["dependencies"]!.AsObject()
            .SelectMany(framework => framework.Value!.AsObject().Select(package => package.Key))
            .Where(package => package != "Microsoft.CodeAnalysis.BannedApiAnalyzers");

        Repository.AssertNone(own.Concat(locked),
            "Core has no package. Write the little that is needed, or put an interface in Core and the package behind it:");
    }

    [Fact]
    public void Every_project_in_src_has_a_test_project_of_the_same_name()
    {
        Repository.AssertNone(
            Projects("src/").Select(NameOf)
                .Where(name => !s_mayLackTests.ContainsKey(name)
                    && !Repository.Exists($"tests/{name}.Tests/{name}.Tests.csproj")),
            "Add tests/NAME.Tests/NAME.Tests.csproj, or NAME with a reason to ProjectTests.s_mayLackTests:");
    }

    [Fact]
    public void The_solution_holds_every_project_so_that_its_tests_run()
    {
        var held = Repository.Xml("Sluice.slnx").Descendants("Project").Select(p => p.Attribute("Path")!.Value);

        Repository.AssertNone(Projects("").Except(held), "Add it: dotnet sln add PROJECT:");
    }

    [Fact]
    public void The_root_holds_one_solution_and_no_project_so_that_dotnet_test_needs_no_argument()
    {
        var candidates = Repository.Files.Where(file => !file.Contains('/')
            && Path.GetExtension(file) is ".sln" or ".slnx" or ".slnf" or ".csproj" or ".proj");

        Repository.AssertNone(candidates.Where(file => file != "Sluice.slnx"), "Move it out of the root:");
    }

    [Fact]
    public void The_README_and_the_architecture_page_name_every_project_in_src()
    {
        var offenders =
            from document in new[] { "README.md", "docs/ARCHITECTURE.md" }
            from project in Projects("src/").Select(NameOf)
            where !Repository.Read(document).Contains(project, StringComparison.Ordinal)
            select $"{document} does not name {project}";

        Repository.AssertNone(offenders, "Give it a line in the table of projects:");
    }

    private static string NameOf(string project) => Path.GetFileNameWithoutExtension(project);

    private static IEnumerable<string> References(string project) =>
        Repository.Xml(project).Descendants("ProjectReference")
            .Select(r => NameOf(r.Attribute("Include")!.Value.Replace('\\', '/')));
}
