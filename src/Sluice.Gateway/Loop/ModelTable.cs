using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>Model names and their numbers. Numbers are given once and stay; readers take no lock.</summary>
public sealed class ModelTable(int modelsMax, IReadOnlyDictionary<string, string> aliases)
{
    private readonly Lock _gate = new();
    private volatile Dictionary<string, ModelId> _ids = new(StringComparer.Ordinal);
    private volatile string[] _names = [];

    /// <summary>Every model that an engine has ever offered, by number.</summary>
    public IReadOnlyList<string> Names => _names;

    /// <summary>Other names of models.</summary>
    public IReadOnlyDictionary<string, string> Aliases { get; internal set; } = aliases;

    public string NameOf(ModelId model) => _names[model.Index];

    /// <param name="model">The model's own name, when an alias was given.</param>
    public bool TryResolve(string asked, out string model, out ModelId id)
    {
        model = Aliases.GetValueOrDefault(asked, asked);
        return _ids.TryGetValue(model, out id);
    }

    public bool TryGet(string model, out ModelId id) => _ids.TryGetValue(model, out id);

    /// <returns>False when there are too many.</returns>
    public bool TryAdd(string name, out ModelId id)
    {
        lock (_gate)
        {
            if (_ids.TryGetValue(name, out id)) return true;
            if (_names.Length >= modelsMax) return false;
            id = new(_names.Length);
            _names = [.. _names, name];
            _ids = new(_ids, StringComparer.Ordinal) { [name] = id };
            return true;
        }
    }
}
