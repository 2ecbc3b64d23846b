using Sluice.Core;
using Sluice.Gateway;
using Sluice.Policies;
using Sluice.Simulation;

namespace Sluice.Benchmarks;

/// <summary>The traffic that a gateway recorded, once more, in the simulator with the same fleet and policy.</summary>
/// <param name="Attainment">Of chats, the promise of the first token only.</param>
/// <param name="LinesPerSecond">Lines over the time from the first one's arrival to the last one's end.</param>
internal sealed record MixedReplay(double Attainment, double LinesPerSecond)
{
    public static MixedReplay Of(MixedSetup setup, string journal)
    {
        var workload = Read(journal);
        var settings = new GatewayOptions { System = setup.System, SharesByTenant = !setup.IsPassThrough }.SettingsInUse;
        var simulator = new Simulator(workload, Catalog.Make(setup.System, new PolicySettings(settings)), new SimulationOptions
        {
            Engines = [.. setup.Fleet.Select(e => EngineOf(e, workload.Models))],
            OutstandingMax = setup.Places ?? new EngineLimits().SequencesMax,
        });
        while (simulator.Run())
        {
            // To the end.
        }

        var run = simulator.Result(TimeSpan.Zero, []);
        var chats = workload.Classes.ToList().IndexOf("interactive");
        var (inTime, all, first, last, lines) = (0, 0, long.MaxValue, 0L, 0);
        for (var i = 0; i < run.Log.Count; i++)
        {
            var (arrival, token) = (run.Log.Arrival[i], run.Log.FirstToken[i]);
            if (workload.Requests[i].Class.Index == chats)
            {
                all++;
                if (token >= 0 && token - arrival <= MixedTraffic.Ttft.Ticks) inTime++;
                continue;
            }

            lines++;
            (first, last) = (Math.Min(first, arrival), Math.Max(last, run.Log.Ended[i]));
        }

        return new(
            all == 0 ? 1 : inTime / (double)all, lines == 0 ? 0 : lines / TimeSpan.FromTicks(last - first).TotalSeconds);
    }

    private static Workload Read(string journal)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, journal);
            return WorkloadSource.FromTrace(path, TraceFormats.Parse("jsonl"), new());
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <remarks>Models that nobody asked for are not in a journal, but an engine may have one loaded: it stands behind the
    /// others.</remarks>
    private static EngineSetup EngineOf(EngineSpec spec, IReadOnlyList<string> models)
    {
        EngineProfile[] profiles = [.. spec.Demo!.Split(',').Select(p => ProfileCatalog.Find(p.Trim()))];
        var all = models.Select(m => profiles.FirstOrDefault(p => "demo/" + p.Model == m)).ToList();
        if (all.Contains(profiles[0])) return new(all, new(all.IndexOf(profiles[0])));
        return new([.. all, profiles[0]], new(all.Count));
    }
}
