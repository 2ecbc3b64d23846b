using Sluice.Core;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>An engine at one moment.</summary>
/// <param name="Places">Requests it is allowed at once.</param>
/// <param name="Report">What it last said of itself.</param>
public sealed record EngineNow(
    EngineId Id, string Name, UpstreamKind Kind, bool IsPresent, bool IsReady, bool IsLoading, string Model,
    IReadOnlyList<string> Models, int Outstanding, int Places, double TokensPerSecond, long OutputTokens, int BrokenInRow,
    UpstreamReport Report);

/// <summary>A live request at one moment.</summary>
/// <param name="Engine">Where it is; empty while it is queued.</param>
/// <param name="Forecast">What it will still wait; null when it runs or nobody predicts waits.</param>
public sealed record RequestNow(
    RequestId Id, string ExternalId, string Model, ClassId Class, TenantId Tenant, Slo Slo, Instant ArrivedAt, Instant DispatchedAt,
    Instant FirstTokenAt, string Engine, int PromptTokens, int OutputTokens, int Evictions, int Losses, WaitForecast? Forecast,
    WaitForecast? ForecastAtArrival);

/// <summary>The whole gateway at one moment.</summary>
public sealed record LoopSnapshot(
    Instant At, int Queued, int Live, IReadOnlyList<EngineNow> Engines, IReadOnlyList<RequestNow> Requests);

public sealed partial class DispatcherLoop
{
    private LoopSnapshot TakeSnapshot(int requestsMax)
    {
        var now = Now;
        var engines = new List<EngineNow>();
        foreach (var engine in _fleet.Engines)
        {
            if (engine.Bound is not { } upstream) continue;
            ref readonly var s = ref _fleet.Snapshots[engine.Id.Index];
            engines.Add(new(
                engine.Id, engine.Name, upstream.Capabilities.Kind, s.IsPresent, s.IsReady, engine.IsLoading, Models.NameOf(s.Model),
                [.. engine.Models.Keys], s.Outstanding, s.OutstandingMax, engine.TokensPerSecond, engine.OutputTokens,
                engine.BrokenInRow, engine.Report));
        }

        var requests = new List<RequestNow>();
        foreach (var live in _live.Values.OrderBy(l => l.Id.Value).Take(requestsMax))
        {
            requests.Add(new(
                live.Id, live.Call.ExternalId, live.Call.Model, live.Call.Class, live.Call.Tenant, live.Call.Slo, live.ArrivedAt,
                live.DispatchedAt, live.FirstTokenAt, live.Engine?.Name ?? "", live.Call.PromptTokens, live.OutputTokens,
                live.Evictions, live.Losses, live.Engine is null ? _dispatcher.ForecastOf(now, live.Id) : null, live.Forecast));
        }

        return new(now, _dispatcher.Queued, _live.Count, engines, requests);
    }
}
