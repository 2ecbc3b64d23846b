using Sluice.Engine;

namespace Sluice.Gateway;

/// <param name="Name">What callers say; by default the file's name without its ending.</param>
public sealed record ModelFile(string Name, string Path)
{
    public static ModelFile Of(string path) => new(System.IO.Path.GetFileNameWithoutExtension(path), path);
}

/// <summary>An engine in this process.</summary>
public sealed record InProcessOptions
{
    public string Name { get; init; } = "in-process";

    /// <summary>At least one.</summary>
    public required IReadOnlyList<ModelFile> Models { get; init; }

    /// <summary>Memory that loaded models may take together, weights and KV [bytes]; null for four fifths of what the process
    /// may use. A model that is asked for and does not fit beside the others takes the place of those used longest
    /// ago.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>Opens a model file and starts an engine on it.</summary>
    public required Func<ModelFile, ServingModel> Open { get; init; }
}
