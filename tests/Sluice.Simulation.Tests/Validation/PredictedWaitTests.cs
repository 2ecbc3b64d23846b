using Sluice.Core;

namespace Sluice.Simulation.Tests;

/// <summary>QLM's waiting times on traffic that nobody made up: Azure's conversation trace, whose answers halve and double
/// again within the hour, which no estimate can know.</summary>
public sealed class PredictedWaitTests
{
    [SharedDataTheory]
    [InlineData(1.75, "ttft=1h")] // Queues that come and go.
    [InlineData(2, "ttft=1h")]
    [InlineData(2.5, "ttft=1h")] // One that grows to the end.
    [InlineData(2, "chat:1,ttft=20s;batch-1:1,ttft=1m;batch-2:1,ttft=1h")]
    public void Predicted_p90_covers_85_to_95_percent_of_actual_waits(double scale, string promises)
    {
        var trace = TraceReader.Read(SharedData.Trace("azure2023_conv.csv.gz"), TraceFormat.Auto, new());
        var load = SloMix.Parse(promises).Apply(trace.Cut(null, scale), new Rng(7));
        var engine = ProfileCatalog.Find("llama-2-7b@a100");

        var simulator = new Simulator(load, Systems.Make("qlm"), new() { Engines = [engine, engine], Limits = new(SequencesMax: 256) });
        while (simulator.Run(1_000_000))
        {
        }

        var calibration = simulator.Result(default, []).Calibration!;
        Assert.True(calibration.Count > 10_000, $"{calibration.Count} queued");
        Assert.InRange(calibration.CoverageOfP90, 0.85, 0.95);
    }
}
