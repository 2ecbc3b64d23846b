using Sluice.Core;
using Sluice.Policies;
using Sluice.Simulation;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>Makes drivers of what somebody wrote down.</summary>
public static class EngineFactory
{
    /// <summary>The demo engines' own scheduler: that of a current vLLM.</summary>
    private const string DemoSystem = "vllm-v1";

    /// <summary>Three engines on which everything can be seen: two of one model, and one that can load either of two.</summary>
    public static IReadOnlyList<EngineSpec> DemoFleet { get; } =
    [
        new() { Name = "demo-1", Demo = "llama-3.1-8b@a100" },
        new() { Name = "demo-2", Demo = "llama-3.1-8b@a100" },
        new() { Name = "demo-3", Demo = "qwen3-30b-a3b@h100,llama-3.1-8b@h100" },
    ];

    /// <exception cref="InputException">A profile that does not exist.</exception>
    public static EngineEntry Make(EngineSpec spec, TimeProvider time)
    {
        IUpstream upstream;
        if (spec.Demo is { } demo)
        {
            upstream = new PacedUpstream(
                new()
                {
                    Name = spec.Name, Models = [.. demo.Split(',').Select(p => ProfileCatalog.Find(p.Trim()))],
                    System = Catalog.Make(DemoSystem, PolicySettings.None), Speedup = spec.Speedup,
                },
                time);
        }
        else
        {
            if (spec.Url is not { } url) throw new InputException($"engine {spec.Name}: expected url or demo.");
            upstream = spec.Sharing is not { } sharing
                ? Elsewhere(spec.Name, url)
                : new SharedDeviceUpstream(
                    spec.Name, [.. sharing.Split(',').Select(other => new Uri(other)).Prepend(url).Select(u => Elsewhere(NameOf(u), u))]);
        }

        return new(upstream, spec.Places, spec);

        HttpUpstream Elsewhere(string name, Uri address) =>
            new(new() { Name = name, Address = address, ApiKey = spec.ApiKey, Kind = spec.Kind }, time);
    }

    /// <summary>Reads an address as people write it: with or without scheme and <c>/v1</c>.</summary>
    /// <returns>Null if it is none.</returns>
    public static Uri? Address(string text)
    {
        if (!text.Contains("://", StringComparison.Ordinal)) text = "http://" + text;
        return Uri.TryCreate(text, UriKind.Absolute, out var url) &&
            url.Scheme is "http" or "https" && url.Host.Length > 0 ? url : null;
    }

    /// <summary>A name for an engine that was given none: host and port.</summary>
    public static string NameOf(Uri url) => url.IsDefaultPort ? url.Host : $"{url.Host}:{url.Port}";
}
