using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>One run of a reproduction and the figures that papers read from it.</summary>
public static class Trial
{
    public static RunResult Run(Workload workload, ServingSystem system, SimulationOptions options)
    {
        var simulator = new Simulator(workload, system, options);
        var isOver = !simulator.Run();
        Check.That(isOver);
        return simulator.Result(TimeSpan.Zero, []);
    }

    /// <summary>Mean over requests of end-to-end latency by output tokens [s per token]. All must have finished.</summary>
    public static double NormalizedLatency(RunResult run)
    {
        var sum = 0.0;
        for (var i = 0; i < run.Log.Count; i++)
        {
            Check.That(run.Log.Outcome[i] == Outcome.Finished);
            sum += (run.Log.Ended[i] - run.Log.Arrival[i]) / (double)TimeSpan.TicksPerSecond / run.Log.OutputTokens[i];
        }

        return sum / run.Log.Count;
    }

    /// <summary>Mean of a sampled quantity while requests arrive, without the first quarter of that time, in which the
    /// engine fills.</summary>
    public static double MeanWhileLoaded(RunResult run, Func<Sample, double> quantity)
    {
        var last = run.Workload.Requests[^1].Arrival.Ticks;
        return run.Series.Samples.Where(s => s.AtTicks >= last / 4 && s.AtTicks <= last).Average(quantity);
    }
}
