namespace Sluice.Core;

/// <summary>A group of requests in the queue of one engine.</summary>
/// <param name="Engine">Whose virtual queue it stands in; none when no engine can run it now.</param>
/// <param name="Position">From 0, in the order in which they will run.</param>
/// <param name="Waiting">Requests of it that wait.</param>
/// <param name="Running">Requests of it that are on an engine.</param>
/// <param name="Deadline">Earliest of those waiting.</param>
public readonly record struct QueuedGroup(
    EngineId Engine, int Position, long Number, ModelId Model, int Waiting, int Running, Instant Deadline, RequestId First);

/// <summary>A scheduler whose plan can be looked at, for people.</summary>
public interface IShowsQueues
{
    /// <summary>Adds every group, engine by engine in order.</summary>
    void Show(List<QueuedGroup> groups);
}
