using Sluice.Core;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>The places for engines, who stands where, and what is known of each: the tables that the dispatcher and the
/// policies read.</summary>
/// <remarks>For the loop's writer only. A driver that serves several models at once has a place for each; one that swaps models
/// has one.</remarks>
internal sealed class LiveFleet
{
    /// <summary>KV room assumed of an engine that reports none: as much as its places need, so that places decide.</summary>
    private const int KvTokensUnknown = 1 << 28;

    private readonly GatewayOptions _options;
    private readonly ModelTable _models;
    private readonly ModelOnEngine?[][] _abilities;

    public LiveFleet(GatewayOptions options, ModelTable models, DispatcherLoop loop)
    {
        (_options, _models) = (options, models);
        Snapshots = new EngineSnapshot[options.EnginesMax];
        Engines = new LiveEngine[options.EnginesMax];
        _abilities = new ModelOnEngine?[options.EnginesMax][];
        for (var i = 0; i < Engines.Length; i++)
        {
            Engines[i] = new(new(i), loop);
            Snapshots[i] = new() { Id = new(i) };
            _abilities[i] = new ModelOnEngine?[options.ModelsMax];
        }

        Info = new FleetInfo(_abilities);
    }

    public EngineSnapshot[] Snapshots { get; }
    public LiveEngine[] Engines { get; }

    /// <summary>Follows what stands at the places.</summary>
    public FleetInfo Info { get; }

    /// <summary>Puts a driver that was probed at places of its own, or back at those it had.</summary>
    /// <returns>The places, each with the model it has loaded; what could not be placed is said in
    /// <paramref name="refused"/>.</returns>
    public List<(LiveEngine Engine, ModelId Model)> Place(IUpstream upstream, int? placesMax, out string? refused)
    {
        refused = null;
        var capabilities = upstream.Capabilities;
        var known = new List<(UpstreamModel Model, ModelId Id)>();
        foreach (var model in capabilities.Models)
        {
            if (_models.TryAdd(model.Name, out var id)) known.Add((model, id));
            else refused = $"{model.Name}: more than {_options.ModelsMax} models are known already";
        }

        var placed = new List<(LiveEngine, ModelId)>();
        if (known.Count == 0) return placed;
        var places = placesMax ?? (capabilities.SequencesMax > 0 ? capabilities.SequencesMax : _options.OutstandingMax);
        if (capabilities.CanSwap)
        {
            var loaded = known.FindIndex(m => m.Model.IsLoaded);
            Add(upstream.Name, known, known[Math.Max(0, loaded)].Id, ref refused);
            return placed;
        }

        foreach (var one in known)
            Add(known.Count == 1 ? upstream.Name : $"{upstream.Name}/{one.Model.Name}", [one], one.Id, ref refused);
        return placed;

        void Add(string name, List<(UpstreamModel Model, ModelId Id)> models, ModelId loaded, ref string? full)
        {
            if (PlaceFor(upstream, name) is not { } engine)
            {
                full = $"all {_options.EnginesMax} places are taken";
                return;
            }

            engine.Bind(upstream, name, models.ToDictionary(m => m.Model.Name, m => m.Model.Name), places);
            Array.Clear(_abilities[engine.Id.Index]);
            foreach (var (model, id) in models)
                _abilities[engine.Id.Index][id.Index] = upstream.SpeedOf(model.Name) ?? Assumed(places, KvTokensUnknown);
            Snapshots[engine.Id.Index] = Snapshots[engine.Id.Index] with { OutstandingMax = places, Model = loaded };
            placed.Add((engine, loaded));
        }
    }

    /// <summary>Nothing stands there any more, and nothing will come back.</summary>
    public void Free(LiveEngine engine)
    {
        engine.Free();
        Array.Clear(_abilities[engine.Id.Index]);
    }

    /// <summary>Somebody present can serve the model, or could until a moment ago.</summary>
    public bool CanServe(ModelId model, Instant now)
    {
        for (var i = 0; i < Engines.Length; i++)
        {
            if (_abilities[i][model.Index] is null) continue;
            if (Snapshots[i].IsPresent || Engines[i].LostAt != Instant.Never && now - Engines[i].LostAt < _options.HoldLost) return true;
        }

        return false;
    }

    /// <summary>As many requests as are allowed on it now.</summary>
    public void SetPlaces(LiveEngine engine) =>
        Snapshots[engine.Id.Index].OutstandingMax =
            (int)Math.Max(1, Math.Min(engine.PlacesMax - engine.Foreign, engine.PlacesLearned));

    /// <summary>Takes in what an engine says of its KV room.</summary>
    public void SetKvRoom(LiveEngine engine, int tokens)
    {
        foreach (var model in _models.Names)
        {
            if (!_models.TryGet(model, out var id) || _abilities[engine.Id.Index][id.Index] is not { } ability) continue;
            if (ability.KvTokens != tokens) _abilities[engine.Id.Index][id.Index] = ability with { KvTokens = tokens };
        }
    }

    private LiveEngine? PlaceFor(IUpstream upstream, string name)
    {
        foreach (var engine in Engines)
            if (ReferenceEquals(engine.Bound, upstream) && engine.Name == name) return engine;
        foreach (var engine in Engines)
            if (engine.Bound is null) return engine;

        // Places of engines that are gone for good are given away last, so that one that comes back finds its own.
        foreach (var engine in Engines)
            if (!Snapshots[engine.Id.Index].IsPresent) return engine;
        return null;
    }

    private static ModelOnEngine Assumed(int places, int kvTokens) => new(
        kvTokens, places, TokenBudget: 2048, AssumedStepTime.Instance, WarmLoad: TimeSpan.FromSeconds(3),
        ColdLoad: TimeSpan.FromSeconds(20), HostSeconds: 0, IsAssumed: true);
}
