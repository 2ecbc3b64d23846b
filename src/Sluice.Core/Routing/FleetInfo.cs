namespace Sluice.Core;

/// <summary>What one engine can do with one model, known before anything runs.</summary>
/// <param name="KvTokens">Tokens its KV cache holds with this model.</param>
/// <param name="SequencesMax">Most sequences in its batch.</param>
/// <param name="StepTime">Predicted step time, as far as a profile exists.</param>
/// <param name="WarmLoad">Loading the weights from host memory.</param>
/// <param name="ColdLoad">Loading the weights from disk.</param>
/// <param name="HostSeconds">Moving one token's KV to host memory or back [s].</param>
/// <param name="IsAssumed">Nobody has measured its step time.</param>
public sealed record ModelOnEngine(
    int KvTokens, int SequencesMax, int TokenBudget, IStepTimeModel StepTime, TimeSpan WarmLoad, TimeSpan ColdLoad,
    double HostSeconds, bool IsAssumed = false);

/// <summary>The fleet as its profiles describe it.</summary>
/// <param name="models">By engine, then by model; null where the engine cannot run the model.</param>
public sealed class FleetInfo(ModelOnEngine?[][] models)
{
    public int Engines => models.Length;
    public int Models => models.Length == 0 ? 0 : models[0].Length;

    public ModelOnEngine? this[EngineId engine, ModelId model] => models[engine.Index][model.Index];
}
