using Sluice.Core;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>A place for an engine in the dispatcher's list, and what stands there now: commands go out to the driver,
/// outcomes come back to the loop.</summary>
/// <remarks>Everything but <see cref="CountTokens"/> is for the loop's writer only.</remarks>
internal sealed class LiveEngine(EngineId id, DispatcherLoop loop) : IEngine
{
    private long _outputTokens;
    private long _measuredTokens;
    private Instant _measuredAt;

    public EngineId Id { get; } = id;

    /// <summary>Null when the place is free.</summary>
    public IUpstream? Bound { get; private set; }

    public IUpstream Upstream => Bound ?? throw new InvariantException($"nothing stands at place {Id.Index}");
    public string Name { get; private set; } = "";

    /// <summary>Models it can serve, by the gateway's name, each with the engine's own.</summary>
    public IReadOnlyDictionary<string, string> Models { get; private set; } = new Dictionary<string, string>();

    /// <summary>Most requests outstanding when nothing is wrong, as configured or as it reports.</summary>
    public int PlacesMax { get; set; }

    /// <summary>It refused with that many outstanding; grows again as answers end well.</summary>
    public double PlacesLearned { get; set; } = double.MaxValue;

    /// <summary>Requests that others have on it, as far as its reports show.</summary>
    public int Foreign { get; set; }

    public int BrokenInRow { get; set; }

    /// <summary>Calls in a row that it said it failed.</summary>
    public int FailedInRow { get; set; }

    /// <summary>Somebody is finding out whether it still answers.</summary>
    public bool IsQuestioned { get; set; }
    public bool IsLoading { get; private set; }

    /// <summary>It takes no more requests and leaves for good when it has none.</summary>
    public bool IsRetiring { get; set; }
    public Instant LostAt { get; set; } = Instant.Never;
    public UpstreamReport Report { get; set; } = new(-1, -1, -1, -1, -1, -1);

    /// <summary>Output tokens that came from it through this gateway.</summary>
    public long OutputTokens => Interlocked.Read(ref _outputTokens);

    /// <summary>Output over the last report interval [tokens/s].</summary>
    public double TokensPerSecond { get; private set; }

    public void Bind(IUpstream upstream, string name, IReadOnlyDictionary<string, string> models, int places)
    {
        (Bound, Name, Models, PlacesMax) = (upstream, name, models, places);
        (PlacesLearned, Foreign, IsLoading, LostAt) = (double.MaxValue, 0, false, Instant.Never);
        (BrokenInRow, FailedInRow, IsQuestioned) = (0, 0, false);
        IsRetiring = false;
        Report = new(-1, -1, -1, -1, -1, -1);
    }

    /// <summary>The place is free again.</summary>
    public void Free() => (Bound, Name, LostAt, IsRetiring) = (null, "", Instant.Never, false);

    public void Measure(Instant now)
    {
        var tokens = OutputTokens;
        var seconds = (now - _measuredAt).TotalSeconds;
        if (seconds > 0) TokensPerSecond = (tokens - _measuredTokens) / seconds;
        (_measuredAt, _measuredTokens) = (now, tokens);
    }

    public string NameOf(string model) => Models.GetValueOrDefault(model, model);

    public void CountTokens(int tokens) => Interlocked.Add(ref _outputTokens, tokens);

    public void Submit(Instant now, Request request, TokenEstimate predicted, int outputTokens) =>
        loop.Grant(now, request.Id, this);

    public void Cancel(Instant now, RequestId request) => loop.Find(request)?.Interrupt(StopReason.Left);

    /// <summary>One that could not go on elsewhere stays to its end, and the scheduler is told.</summary>
    public void Evict(Instant now, RequestId request)
    {
        if (loop.Find(request) is not { } live) return;
        if (!live.CanMove) loop.Stay(live);
        else if (!Upstream.TryEvict(request)) live.Interrupt(StopReason.Evicted);
    }

    public bool CanRun(ModelId model) => Bound is not null && Models.ContainsKey(loop.Models.NameOf(model));

    public bool Keeps(RequestId request) => Bound?.Keeps(request) ?? false;

    public void DropEvicted(RequestId request) => Bound?.Forget(request);

    public void Load(Instant now, ModelId model)
    {
        IsLoading = true;
        loop.BeginLoad(this, model);
    }

    public void EndLoad() => IsLoading = false;

    /// <summary>Where the drivers cannot, it ends where it runs.</summary>
    public void Migrate(Instant now, RequestId request, EngineId to) => loop.BeginMove(request, this, to);
}
