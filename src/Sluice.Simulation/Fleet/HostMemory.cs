using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Which models' weights an engine finds in its host's memory: the last few it loaded.</summary>
/// <param name="modelsMax">Models that fit at once.</param>
public sealed class HostMemory(int modelsMax)
{
    private readonly List<ModelId> _recent = [];

    /// <summary>A bit per model.</summary>
    public ulong Models { get; private set; }

    public bool Has(ModelId model) => _recent.Contains(model);

    /// <summary>Brings a model in; the one that was used longest ago makes room.</summary>
    public void Keep(ModelId model)
    {
        _recent.Remove(model);
        _recent.Add(model);
        if (_recent.Count > modelsMax) _recent.RemoveAt(0);
        Models = 0;
        foreach (var m in _recent) Models |= 1UL << m.Index;
    }
}
