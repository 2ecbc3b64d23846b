using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>Looks for engines where they listen by default on this machine.</summary>
public static class EngineDiscovery
{
    /// <summary>vLLM, SGLang, llama-server, Ollama, LM Studio.</summary>
    public static IReadOnlyList<int> Ports { get; } = [8000, 30000, 8080, 11434, 1234];

    /// <summary>Nothing on this machine takes longer to answer, unless it is not there.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1.5);

    /// <param name="notPort">The gateway's own port: it is not its own engine.</param>
    /// <returns>What answers like an engine, in the order of <see cref="Ports"/>.</returns>
    public static async Task<IReadOnlyList<(EngineSpec Spec, UpstreamCapabilities Found)>> FindAsync(
        int notPort, TimeProvider time, CancellationToken cancel)
    {
        var found = await Task.WhenAll(Ports.Where(p => p != notPort).Select(p => ProbeAsync(p, time, cancel))).ConfigureAwait(false);
        return [.. found.OfType<(EngineSpec, UpstreamCapabilities)>()];
    }

    private static async Task<(EngineSpec, UpstreamCapabilities)?> ProbeAsync(int port, TimeProvider time, CancellationToken cancel)
    {
        var spec = new EngineSpec { Name = $"127.0.0.1:{port}", Url = new($"http://127.0.0.1:{port}") };
        var upstream = EngineFactory.Make(spec, time).Upstream;
        await using var _ = upstream.ConfigureAwait(false);
        using var patience = new CancellationTokenSource(s_patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancel);
        try
        {
            return await upstream.ProbeAsync(either.Token).ConfigureAwait(false) && upstream.Capabilities.Models.Count > 0
                ? (spec, upstream.Capabilities)
                : null;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return null;
        }
    }
}
