using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>An engine as somebody wrote it down. Equal specs are the same engine: a reload leaves it alone.</summary>
public sealed record EngineSpec
{
    public required string Name { get; init; }

    /// <summary>Of an engine elsewhere; null for a demo engine.</summary>
    public Uri? Url { get; init; }

    /// <summary>Addresses of more engines on the same device, comma separated, of which one is awake at a time; null for
    /// none.</summary>
    public string? Sharing { get; init; }

    /// <summary>Profiles of a demo engine's models, comma separated; the first is loaded at the start.</summary>
    public string? Demo { get; init; }

    /// <summary>A demo engine's time against real time.</summary>
    public double Speedup { get; init; } = 1;

    public UpstreamKind? Kind { get; init; }
    public string? ApiKey { get; init; }

    /// <summary>Requests it may have at once; null for what it says.</summary>
    public int? Places { get; init; }

    public override string ToString() => Url is null ? $"{Name} (demo)" : $"{Name} ({Url})";
}
