using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>A fleet whose engines can all load several models: <c>--models chat=llama-2-7b@a100,big=llama-2-13b@a100</c>. As many
/// engines as <c>--engines</c> says, or one per model; they begin with the models in turn.</summary>
public static class ModelFleet
{
    /// <exception cref="InputException">The list cannot be read, a profile is unknown, or the workload has a model that is not
    /// listed.</exception>
    public static IReadOnlyList<EngineSetup> Of(string models, RunSpec spec, Workload workload)
    {
        var profiles = Parse(models);
        var byModel = new EngineProfile?[workload.Models.Count];
        for (var m = 0; m < byModel.Length; m++)
        {
            var name = workload.Models[m];
            byModel[m] = profiles.TryGetValue(name, out var profile) ? profile : throw new InputException(
                $"--models {models}: the workload has requests for '{name}'{Nearest.Hint(name, [.. profiles.Keys])}; expected "
                    + $"{name}=PROFILE in the list.");
        }

        var engines = spec.Engines ?? byModel.Length;
        return [.. Enumerable.Range(0, engines).Select(e => new EngineSetup(byModel, new(e % byModel.Length)))];
    }

    private static SortedDictionary<string, EngineProfile> Parse(string models)
    {
        var profiles = new SortedDictionary<string, EngineProfile>(StringComparer.Ordinal);
        foreach (var part in models.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0) throw new InputException($"--models {part}: expected MODEL=PROFILE, as in chat=llama-2-7b@a100.");
            if (!profiles.TryAdd(part[..equals].Trim(), ProfileCatalog.Find(part[(equals + 1)..].Trim())))
                throw new InputException($"--models {models}: '{part[..equals]}' is there twice.");
        }

        return profiles;
    }
}
