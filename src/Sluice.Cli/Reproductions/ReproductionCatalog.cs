using Sluice.Core;

namespace Sluice.Cli;

/// <summary>Every reproduction by name, in the order they should be listed.</summary>
public static class ReproductionCatalog
{
    public static IReadOnlyList<IReproduction> All { get; } =
    [
        new QlmReproduction(),
        new PagedAttentionReproduction(),
        new NiyamaReproduction(),
        new SlosServeReproduction(),
        new PredictionsReproduction(),
        new LampsReproduction(),
        new LtrReproduction(),
        new JitServeReproduction(),
        new HalfFullReproduction(),
        new SclsReproduction(),
        new RpsServeReproduction(),
        new SaSloReproduction(),
        new SmoothGoodputReproduction(),
    ];

    /// <exception cref="InputException">No such reproduction.</exception>
    public static IReproduction Named(string name)
    {
        string[] names = [.. All.Select(r => r.Name)];
        return All.FirstOrDefault(r => r.Name == name)
            ?? throw new InputException(
                $"reproduce {name}: no such reproduction{Nearest.Hint(name, names)}. Known: {string.Join(", ", names)}, all.");
    }
}
