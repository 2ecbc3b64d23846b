using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>One engine of a fleet: which models it can run and how fast, and where it stands.</summary>
/// <param name="Profiles">By <see cref="ModelId"/>; null where it cannot run the model.</param>
/// <param name="Loaded">The model it begins with.</param>
/// <param name="Device">Engines with the same number share one device and take turns step by step; -1 for a device of its
/// own.</param>
public sealed record EngineSetup(IReadOnlyList<EngineProfile?> Profiles, ModelId Loaded = default, int Device = -1)
{
    /// <summary>An engine with a device and a model of its own.</summary>
    public static implicit operator EngineSetup(EngineProfile profile) => new([profile]);

    public bool CanRun(ModelId model) => model.Index < Profiles.Count && Profiles[model.Index] is not null;

    public EngineProfile Profile =>
        Profiles[Loaded.Index] ?? throw new InvalidOperationException("the engine begins with a model that it cannot run");
}
