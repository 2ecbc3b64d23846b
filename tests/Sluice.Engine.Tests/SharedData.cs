namespace Sluice.Engine.Tests;

/// <summary>The folder <c>shared/data/golden</c> that may stand beside the repository: small models and what llama.cpp makes of
/// them. Too large to keep in it.</summary>
public static class SharedData
{
    public const string Missing = "needs the folder shared/data/golden beside the repository";

    /// <summary>Null when there is no such folder.</summary>
    public static string? Golden { get; } = Find();

    /// <param name="name">Such as <c>llama-gqa-Q8_0</c>.</param>
    public static string Model(string name) => Path.Combine(Golden!, "models", name + ".gguf");

    public static string File(params ReadOnlySpan<string> parts) => Path.Combine([Golden!, .. parts]);

    private static string? Find()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            var candidate = Path.Combine(at.FullName, "shared", "data", "golden");
            if (Directory.Exists(Path.Combine(candidate, "models"))) return candidate;
        }

        return null;
    }
}

/// <summary>A test that is skipped, and says why, where <see cref="SharedData"/> is missing.</summary>
public sealed class GoldenFact : FactAttribute
{
    public GoldenFact()
    {
        if (SharedData.Golden is null) Skip = SharedData.Missing;
    }
}

/// <summary>As <see cref="GoldenFact"/>, with cases.</summary>
public sealed class GoldenTheory : TheoryAttribute
{
    public GoldenTheory()
    {
        if (SharedData.Golden is null) Skip = SharedData.Missing;
    }
}
