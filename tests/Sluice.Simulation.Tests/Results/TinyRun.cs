using Sluice.Core;

namespace Sluice.Simulation.Tests;

/// <summary>Builds a run request by request, all times in milliseconds. Virtual time ends at <see cref="EndMs"/>.</summary>
public sealed class TinyRun
{
    private readonly List<Request> _requests = [];
    private readonly List<Action<RequestLog, int>> _fates = [];

    public string System { get; init; } = "fcfs";
    public string Workload { get; init; } = "tiny";
    public string[] Classes { get; init; } = ["default"];
    public string[] Tenants { get; init; } = ["default"];
    public string[] Notes { get; init; } = [];
    public double EndMs { get; init; } = 10_000;
    public LogHistogram Itl { get; } = new();
    public List<KeyValuePair<string, string>> Settings { get; init; } = [new("system", "fcfs"), new("rate", "2")];

    public TinyRun Finished(
        double arrival, double started, double firstToken, double ended, int output, int prompt = 100, Slo? slo = null,
        int ofClass = 0, int tenant = 0, int engine = 0, int preemptions = 0) =>
        Add(arrival, prompt, slo, ofClass, tenant, (log, i) =>
        {
            log.Started[i] = log.Dispatched[i] = Ticks(started);
            log.FirstToken[i] = Ticks(firstToken);
            log.Ended[i] = Ticks(ended);
            log.OutputTokens[i] = output;
            log.Engine[i] = (short)engine;
            log.Preemptions[i] = (ushort)preemptions;
            log.Outcome[i] = Outcome.Finished;
        });

    public TinyRun Lost(double arrival, Outcome outcome, Slo? slo = null, int ofClass = 0, int tenant = 0, int output = 0) =>
        Add(arrival, 100, slo, ofClass, tenant, (log, i) =>
        {
            log.Outcome[i] = outcome;
            log.OutputTokens[i] = output;
            log.Ended[i] = outcome == Outcome.Unfinished ? -1 : Ticks(arrival);
        });

    /// <summary>A stage of a program that was never reached.</summary>
    public TinyRun NeverArrived() => Add(0, 100, null, 0, 0, (log, i) => log.Arrival[i] = -1);

    public RunResult Make()
    {
        var log = new RequestLog(_requests.Count);
        for (var i = 0; i < log.Count; i++)
        {
            log.Arrival[i] = _requests[i].Arrival.Ticks;
            _fates[i](log, i);
        }

        var series = new TimeSeries(TimeSpan.TicksPerSecond);
        series.Add(new(0, 1, 2, 0.5, 0.25, 0, 0));
        series.Add(new(TimeSpan.TicksPerSecond, 0, 1, 0.125, 0.1, 30, 1));
        return new()
        {
            System = System,
            Workload = new()
            {
                Name = Workload, Origin = "made by hand", Requests = [.. _requests], OutputTokens = [.. log.OutputTokens],
                Classes = Classes, Tenants = Tenants, Models = ["m"],
            },
            Settings = Settings, Engines = 2, Devices = 4, Log = log, ItlMilliseconds = Itl, Series = series, Iterations = 77,
            PrefillTokens = 300, Fingerprint = 0xABC, End = new(Ticks(EndMs)), Wall = TimeSpan.FromMilliseconds(500), Notes = Notes,
        };
    }

    public static Slo Slo(double? ttft = null, double? tpot = null, double? e2e = null) => new(Span(ttft), Span(tpot), Span(e2e));

    private TinyRun Add(
        double arrival, int prompt, Slo? slo, int ofClass, int tenant, Action<RequestLog, int> fate)
    {
        _requests.Add(new()
        {
            Id = new(_requests.Count), Arrival = new(Ticks(arrival)), PromptTokens = prompt, MaxOutputTokens = 100,
            Slo = slo ?? Core.Slo.BestEffort, Class = new(ofClass), Tenant = new(tenant),
        });
        _fates.Add(fate);
        return this;
    }

    private static TimeSpan Span(double? ms) => ms is { } m ? TimeSpan.FromMilliseconds(m) : TimeSpan.MaxValue;
    private static long Ticks(double ms) => (long)Math.Round(ms * TimeSpan.TicksPerMillisecond);
}
