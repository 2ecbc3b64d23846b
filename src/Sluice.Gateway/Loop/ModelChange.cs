using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>What came of an engine's being asked for another model.</summary>
/// <param name="Loaded">The model that it has now, by its own name; null if it has none or does not answer.</param>
/// <param name="Problem">Why the model asked for is not there; null if it is.</param>
internal sealed record ModelChange(string? Loaded, string? Problem)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    /// <summary>Loads a model. If that fails, the engine is asked what it has; if it has nothing, it gets back the model that it
    /// had.</summary>
    public static async Task<ModelChange> RunAsync(IUpstream upstream, string model, string before, TimeProvider time)
    {
        if (await LoadAsync(upstream, model).ConfigureAwait(false) is not { } problem) return new(model, null);
        var loaded = await FindLoadedAsync(upstream, before, time).ConfigureAwait(false);
        if (loaded is null && before != model && await LoadAsync(upstream, before).ConfigureAwait(false) is null) loaded = before;
        return new(loaded, problem);
    }

    private static async Task<string?> LoadAsync(IUpstream upstream, string model)
    {
        try
        {
            if (await upstream.LoadAsync(model, CancellationToken.None).ConfigureAwait(false)) return null;
            return upstream.Problem ?? $"{upstream.Name} did not load it";
        }
        catch (Exception e)
        {
            return $"{upstream.Name}: {e.Message}"; // Whatever it was: the model is not there.
        }
    }

    /// <summary>The model it had, if it still has that; else any that it has.</summary>
    private static async Task<string?> FindLoadedAsync(IUpstream upstream, string before, TimeProvider time)
    {
        using var patience = new CancellationTokenSource(s_patience, time);
        try
        {
            if (!await upstream.ProbeAsync(patience.Token).ConfigureAwait(false)) return null;
        }
        catch (Exception)
        {
            return null;
        }

        var loaded = upstream.Capabilities.Models.Where(m => m.IsLoaded).Select(m => m.Name).ToArray();
        return loaded.Contains(before) ? before : loaded.FirstOrDefault();
    }
}
