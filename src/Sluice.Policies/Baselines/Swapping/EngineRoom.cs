using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Which models an engine can run, and whether it has room: by own account, so that a scheduler that orders the
/// queue itself sends an engine only what it can begin.</summary>
/// <param name="fleet">Without it an engine runs the model it has and nothing else, and any number of requests.</param>
internal sealed class EngineRoom(FleetInfo? fleet)
{
    private double[] _kvTokens = [];

    public ModelOnEngine? Profile(EngineId engine, ModelId model) =>
        fleet is not null && engine.Index < fleet.Engines && model.Index < fleet.Models ? fleet[engine, model] : null;

    public bool CanRun(in EngineSnapshot engine, ModelId model) =>
        engine.IsPresent && (engine.Model == model || (engine.CanLoad(model) && Profile(engine.Id, model) is not null));

    /// <summary>It has a place and KV for one more now, of the model it has loaded. An empty engine always has.</summary>
    public bool HasRoom(in EngineSnapshot engine, double kvTokens)
    {
        if (engine.FreeSlots <= 0) return false;
        if (engine.Outstanding == 0) return true;
        if (engine.Outstanding >= (Profile(engine.Id, engine.Model)?.SequencesMax ?? int.MaxValue)) return false;
        return ChargedOn(engine.Id) + kvTokens <= (double)engine.TotalBlocks * engine.BlockTokens;
    }

    public void Charge(EngineId engine, double kvTokens)
    {
        if (engine.Index >= _kvTokens.Length) Array.Resize(ref _kvTokens, Math.Max(16, engine.Index * 2));
        _kvTokens[engine.Index] += kvTokens;
    }

    /// <param name="isEmpty">Nothing is left on it: it sheds accumulated rounding.</param>
    public void Discharge(EngineId engine, double kvTokens, bool isEmpty) =>
        _kvTokens[engine.Index] = isEmpty ? 0 : _kvTokens[engine.Index] - kvTokens;

    private double ChargedOn(EngineId engine) => engine.Index < _kvTokens.Length ? _kvTokens[engine.Index] : 0;
}
