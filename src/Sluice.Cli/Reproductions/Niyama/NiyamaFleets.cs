using Sluice.Core;
using Sluice.Simulation;
using static Sluice.Cli.PaperFigure;

namespace Sluice.Cli;

/// <summary>35 requests/s of Azure code: silos of engines for each class, and one fleet that shares them.</summary>
internal sealed class NiyamaFleets
{
    private const double Rate = 35;

    private readonly Dictionary<string, Job<double>> _broken = [];

    public NiyamaFleets(ReproductionContext context)
    {
        var duration = TimeSpan.FromMinutes(context.IsSmall ? 20 : 60);
        var load = NiyamaSetup.Load(context, "fleet", (int)(36 * duration.TotalSeconds), NiyamaSetup.EqualShares);
        var workload = load.At(Rate, duration);
        foreach (var engines in (int[])[9, 10, 11]) Add($"shared {engines}", () => Broken(workload, NiyamaSetup.QoServe, engines));
        AddSilos(7, 3, 3);
        AddSilos(6, 2, 2);

        void AddSilos(params int[] engines) => Add($"silos {engines.Sum()}", () => Enumerable.Range(0, 3).Average(
            c => Broken(Of(workload, c), c == 0 ? NiyamaSetup.Fcfs : NiyamaSetup.BatchSilo, engines[c])));

        void Add(string name, Func<double> run) => _broken.Add(name, context.Later(run));

        double Broken(Workload part, Contender system, int engines)
        {
            var options = NiyamaSetup.Options(engines);
            var trials = new PromiseTrials(load, duration, options, NiyamaSetup.IsKept);
            return 1 - trials.Kept(trials.Run(system with { Settings = [.. system.Settings, "router=round-robin"] }, part));
        }
    }

    public IEnumerable<ReproductionRow> Rows()
    {
        var silos = (Enough: _broken["silos 13"].Result, Few: _broken["silos 10"].Result);
        yield return new(
            "35/s, silos of 13 (7+3+3) and of 10 (6+2+2) engines: late", Checked("0.24 %, 60.4 %"),
            $"{RowText.Percent(silos.Enough)}, {RowText.Percent(silos.Few)}", silos.Enough < 0.02 && silos.Few > 0.2,
            "Compared: 13 are enough (2 %), 10 are not (20 %). A run of minutes shows less of an overload than the paper's of hours.");
        var shared = (Ten: _broken["shared 10"].Result, Nine: _broken["shared 9"].Result, Eleven: _broken["shared 11"].Result);
        yield return new(
            "the same on 10 shared engines", Checked("0 %"), RowText.Percent(shared.Ten), shared.Eleven <= Math.Max(0.01, silos.Enough),
            $"Round robin. 9 engines {RowText.Percent(shared.Nine)}, 11 engines {RowText.Percent(shared.Eleven)}; "
            + "agrees if ten or eleven are enough.");
    }

    /// <summary>The requests of one class, under new ids.</summary>
    private static Workload Of(Workload workload, int c)
    {
        var indices = Enumerable.Range(0, workload.Requests.Length).Where(i => workload.Requests[i].Class.Index == c).ToArray();
        return workload with
        {
            Requests = [.. indices.Select((i, id) => workload.Requests[i] with { Id = new(id) })],
            OutputTokens = [.. indices.Select(i => workload.OutputTokens[i])],
        };
    }
}
