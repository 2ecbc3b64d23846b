using Sluice.Core;

namespace Sluice.Simulation.Tests;

/// <summary>A run with everything about it open to inspection.</summary>
internal sealed class Watched
{
    private const long EventsMax = 300_000; // A case of a hundred requests that needs more will never end.

    private readonly List<WatchedScheduler> _schedulers = [];

    public Watched(Workload workload, ServingSystem system, SimulationOptions options)
    {
        var watched = system with { Iteration = context => Watch(system.Iteration(context)) };
        Simulator = new Simulator(workload, watched, options) { Observer = Events };
        IsDone = !Simulator.Run(EventsMax);
        Result = Simulator.Result(default, []);
    }

    public Simulator Simulator { get; }
    public EventLog Events { get; } = new();
    public RunResult Result { get; }
    public IReadOnlyList<WatchedScheduler> Schedulers => _schedulers;

    /// <summary>False if the run went on and on.</summary>
    public bool IsDone { get; }

    private WatchedScheduler Watch(IIterationScheduler scheduler)
    {
        _schedulers.Add(new(scheduler));
        return _schedulers[^1];
    }
}
