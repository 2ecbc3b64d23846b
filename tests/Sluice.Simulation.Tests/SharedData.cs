namespace Sluice.Simulation.Tests;

/// <summary>The folder <c>shared/data</c> that may stand beside the repository with traces and measurements too large, or not
/// ours, to keep in it.</summary>
public static class SharedData
{
    public const string Missing = "needs the folder shared/data beside the repository";

    /// <summary>Null when there is no such folder.</summary>
    public static string? Root { get; } = Find();

    public static string Trace(string file) => Path.Combine(Root!, "traces", file);

    private static string? Find()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            var candidate = Path.Combine(at.FullName, "shared", "data");
            if (Directory.Exists(Path.Combine(candidate, "traces"))) return candidate;
        }

        return null;
    }
}

/// <summary>A test that is skipped, and says why, where <see cref="SharedData"/> is missing.</summary>
public sealed class SharedDataFact : FactAttribute
{
    public SharedDataFact()
    {
        if (SharedData.Root is null) Skip = SharedData.Missing;
    }
}

/// <summary>As <see cref="SharedDataFact"/>, with cases.</summary>
public sealed class SharedDataTheory : TheoryAttribute
{
    public SharedDataTheory()
    {
        if (SharedData.Root is null) Skip = SharedData.Missing;
    }
}
