using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using Sluice.Core;
using Sluice.Gateway;

namespace Sluice.Cli;

/// <summary>What a gateway is to be: the configuration file, and flags over it.</summary>
internal sealed record ServePlan
{
    public required GatewayOptions Options { get; init; }
    public required IReadOnlyList<EngineSpec> Engines { get; init; }

    /// <summary>Of the configuration file.</summary>
    public string? Path { get; init; }

    /// <summary>Where data is kept; null, without a server either, to keep it only as long as the gateway runs.</summary>
    public string? Folder { get; init; }
    public string? Postgres { get; init; }

    /// <summary>As the file says; without it on loopback only, on the port after the public one, or any when that is any.</summary>
    public required AdminOptions Admin { get; init; }

    public IReadOnlyList<TenantSpec> Tenants { get; init; } = [];

    public bool IsDemo => Engines.Count > 0 && Engines.All(e => e.Demo is not null);

    /// <exception cref="InputException">Something cannot be; the message says what would be right.</exception>
    public static ServePlan Of(
        string? path, IReadOnlyList<string> engines, IReadOnlyList<string> models, bool demo,
        string? host, int? port, string? folder, string? system,
        IReadOnlyList<string> settings)
    {
        var config = path is null ? new GatewayConfig(new(), [], null, null) : GatewayConfig.Load(path);
        var options = config.Options;
        options = options with { Host = host ?? options.Host, Port = port ?? options.Port, System = system ?? options.System };
        if (options.Port is < 0 or > 65535) throw new InputException($"--port {options.Port}: expected a number from 0 to 65535.");
        if (settings.Count > 0) options = options with { Settings = Settings(settings) };
        options = options with
        {
            Telemetry = options.Telemetry ?? TelemetryOptions.FromEnvironment(Environment.GetEnvironmentVariable),
        };
        var specs = config.Engines.ToList();
        foreach (var text in engines)
        {
            var url = EngineFactory.Address(text) ?? throw new InputException(
                $"--engine {text}: expected an address such as http://gpu-1:8000.");
            var name = EngineFactory.NameOf(url);
            if (specs.Any(s => s.Name == name)) throw new InputException($"--engine {text}: that engine is there twice.");
            specs.Add(new() { Name = name, Url = url });
        }

        specs.AddRange(InProcess(models));
        if (demo) specs.AddRange(EngineFactory.DemoFleet);
        return new()
        {
            Options = options, Engines = specs, Path = path, Folder = folder ?? (config.Postgres is null ? config.Folder : null),
            Postgres = config.Postgres, Tenants = config.Tenants,
            Admin = config.Admin is { Port: not null } admin
                ? admin
                : (config.Admin ?? new()) with { Port = options.Port is 0 or 65535 ? 0 : options.Port + 1 },
        };
    }

    /// <summary>One engine for all the files; a file that is named several times has so many engines.</summary>
    private static IEnumerable<EngineSpec> InProcess(IReadOnlyList<string> models)
    {
        var engines = new List<List<string>>();
        foreach (var model in models)
        {
            if (engines.Find(files => !files.Contains(model, StringComparer.Ordinal)) is not { } engine) engines.Add(engine = []);
            engine.Add(model);
        }

        return engines.Select((files, i) => new EngineSpec
        {
            Name = i == 0 ? "in-process" : $"in-process-{i + 1}", Files = string.Join(',', files),
        });
    }

    /// <summary>Nobody named an engine: whatever runs on this machine, or else a demo.</summary>
    public async Task<ServePlan> WithFoundOrDemoAsync(Terminal terminal)
    {
        var found = await EngineDiscovery.FindAsync(Options.Port, TimeProvider.System, terminal.Stop).ConfigureAwait(false);
        foreach (var (spec, what) in found) terminal.Error.WriteLine($"sluice: found {what.Kind} at {spec.Url}");
        if (found.Count > 0) return this with { Engines = [.. found.Select(f => f.Spec)] };
        terminal.Error.WriteLine(
            $"sluice: no --engine was named, and none answers on ports {string.Join(", ", EngineDiscovery.Ports)}: starting a demo.");
        return this with { Engines = EngineFactory.DemoFleet };
    }

    public WebApplication Build(Action<ILoggingBuilder> logging, DurableParts durable)
    {
        var options = Options with
        {
            EnginesMax = Math.Max(Options.EnginesMax, Engines.Count),
            JournalFolder = Folder is null ? null : System.IO.Path.Combine(Folder, "journal"),
        };
        return GatewayHost.Build(
            options, [.. Engines.Select(e => EngineFactory.Make(e, TimeProvider.System))],
            durable.With(new() { Logging = logging }));
    }

    private static Dictionary<string, string> Settings(IReadOnlyList<string> settings)
    {
        var read = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var setting in settings)
        {
            var at = setting.IndexOf('=');
            if (at < 1) throw new InputException($"--set {setting}: expected KEY=VALUE.");
            read[setting[..at]] = setting[(at + 1)..];
        }

        return read;
    }
}
