using Sluice.Core;

namespace Sluice.Upstreams;

/// <summary>Engines that share one device and of which one is awake at a time: to the gateway, one engine that can load
/// several models.</summary>
/// <remarks>For vLLM in sleep mode and SGLang with its memory saver, one process per model. Whoever is awake is put to sleep
/// before another is woken, so that memory is never asked for twice. Waking takes seconds where loading takes
/// minutes.</remarks>
public sealed class SharedDeviceUpstream : IUpstream
{
    private readonly IReadOnlyList<HttpUpstream> _engines;
    private readonly SemaphoreSlim _change = new(1);

    public SharedDeviceUpstream(string name, IReadOnlyList<HttpUpstream> engines)
    {
        if (engines.Count < 2) throw new InputException($"{name}: a device is shared by at least two engines.");
        (Name, _engines) = (name, engines);
    }

    public string Name { get; }

    /// <summary>What the engine that is awake can do, with the models of all.</summary>
    public UpstreamCapabilities Capabilities
    {
        get
        {
            var main = (Awake ?? _engines[0]).Capabilities;
            return main with { Models = [.. _engines.SelectMany(e => e.Capabilities.Models)], CanSwap = true };
        }
    }

    private HttpUpstream? Awake => _engines.FirstOrDefault(IsAwake);

    public async Task<bool> ProbeAsync(CancellationToken cancel)
    {
        var found = await Task.WhenAll(_engines.Select(e => e.ProbeAsync(cancel))).ConfigureAwait(false);
        return found.Any(isThere => isThere);
    }

    public Task<CallOutcome> CallAsync(UpstreamCall call, IAnswerSink sink, CancellationToken cancel) =>
        Find(call.Model) switch
        {
            null => Task.FromResult(new CallOutcome(CallEnd.Refused, 404, -1, 0, ErrorJson.Write(
                $"{call.Model}: {Name} has no such model.", param: "model", code: "model_not_found"))),
            var engine when engine == Awake => engine.CallAsync(call, sink, cancel),
            _ => Task.FromResult(new CallOutcome(
                CallEnd.Busy, 503, -1, 0, ErrorJson.Write($"{call.Model} sleeps in {Name}.", "server_error"))),
        };

    public bool TryEvict(RequestId request) => _engines.Any(e => ((IUpstream)e).TryEvict(request));

    public bool Keeps(RequestId request) => _engines.Any(e => ((IUpstream)e).Keeps(request));

    public void Forget(RequestId request)
    {
        foreach (IUpstream engine in _engines) engine.Forget(request);
    }

    public Task<UpstreamReport?> ReportAsync(CancellationToken cancel) =>
        Awake?.ReportAsync(cancel) ?? Task.FromResult<UpstreamReport?>(null);

    public Task<int> PromptTokensAsync(UpstreamCall call, CancellationToken cancel) =>
        Find(call.Model)?.PromptTokensAsync(call, cancel) ?? Task.FromResult(-1);

    public async Task<bool> LoadAsync(string model, CancellationToken cancel)
    {
        if (Find(model) is not { } wanted) return false;
        await _change.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            if (wanted == Awake) return true;
            foreach (var engine in _engines)
                if (engine != wanted && IsAwake(engine) && !await engine.SleepAsync(cancel).ConfigureAwait(false)) return false;
            return await wanted.LoadAsync(model, cancel).ConfigureAwait(false);
        }
        finally
        {
            _change.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var engine in _engines) await engine.DisposeAsync().ConfigureAwait(false);
        _change.Dispose();
    }

    private static bool IsAwake(HttpUpstream engine) => engine.Capabilities.Models.Any(m => m.IsLoaded);

    private HttpUpstream? Find(string model) => _engines.FirstOrDefault(e => e.Capabilities.Models.Any(m => m.Name == model));
}
