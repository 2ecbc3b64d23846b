namespace Sluice.Core;

/// <summary>Whoever owns the fleet, told what a plan would like to have: the other end of <see cref="Operations.Scale"/>.</summary>
/// <remarks>A wish and no command: it may be ignored, and is repeated while its cause lasts. What comes of it comes back as
/// <see cref="Dispatcher.OnEngineJoined"/> and <see cref="Dispatcher.OnEngineLost"/>. Called in the middle of a plan, so it
/// must not call the dispatcher at once.</remarks>
public interface IScaler
{
    /// <param name="change">Engines more, or fewer when negative, that have the model.</param>
    void Scale(Instant now, ModelId model, int change);
}
