using Sluice.Core;
using Sluice.Policies;
using Sluice.Upstreams;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Sluice.Gateway;

/// <summary>A configuration file, read.</summary>
/// <param name="Folder">Where data is kept; null when the file does not say.</param>
/// <param name="Postgres">Connection string; null for SQLite.</param>
public sealed record GatewayConfig(GatewayOptions Options, IReadOnlyList<EngineSpec> Engines, string? Folder, string? Postgres)
{
    /// <summary>Null when the file does not say.</summary>
    public AdminOptions? Admin { get; init; }

    public IReadOnlyList<TenantSpec> Tenants { get; init; } = [];

    private const int BytesMax = 1 << 20;

    /// <exception cref="InputException">It cannot be read or used; the message lists every problem with its place.</exception>
    public static GatewayConfig Load(string path)
    {
        var config = Check(path, out var problems);
        return problems.Count == 0 ? config! : throw new InputException(string.Join(Environment.NewLine, problems));
    }

    /// <summary>Finds every problem, each as <c>file:line:column: what is wrong, and what would be right</c>.</summary>
    /// <returns>Null if the file cannot be read at all.</returns>
    public static GatewayConfig? Check(string path, out IReadOnlyList<string> problems)
    {
        var found = new List<string>();
        problems = found;
        if (Root(path, found) is not { } root) return null;
        var config = Read(new ConfigMap(path, "", root, found));
        if (found.Count == 0 && TryPolicy(config.Options) is { } wrong) found.Add($"{path}: policy: {wrong}");
        return config;
    }

    private static YamlNode? Root(string path, List<string> problems)
    {
        try
        {
            if (!File.Exists(path)) problems.Add($"{path}: there is no such file.");
            else if (new FileInfo(path).Length > BytesMax) problems.Add($"{path}: it has over 1 MiB, so it is no configuration.");
            if (problems.Count > 0) return null;
            using var reader = new StreamReader(path);
            var yaml = new YamlStream();
            yaml.Load(reader);
            if (yaml.Documents.Count == 1) return yaml.Documents[0].RootNode;
            if (yaml.Documents.Count == 0) return new YamlMappingNode();
            problems.Add($"{path}: expected one document, and it has {yaml.Documents.Count}.");
        }
        catch (YamlException e)
        {
            problems.Add($"{path}:{e.Start.Line}:{e.Start.Column}: {e.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add($"{path}: {e.Message}");
        }

        return null;
    }

    private static GatewayConfig Read(ConfigMap root)
    {
        var byDefault = new GatewayOptions();
        var options = byDefault;
        if (root.Map("listen") is { } listen)
        {
            options = options with { Host = listen.Text("host") ?? options.Host, Port = listen.Whole("port", 0, 65535) ?? options.Port };
            listen.RefuseUnknown();
        }

        if (root.Map("policy") is { } policy)
        {
            options = options with { System = policy.Text("system") ?? options.System };
            if (policy.Map("set") is { } set)
                options = options with { Settings = set.Keys.ToDictionary(k => k, k => set.Text(k) ?? "") };
            policy.RefuseUnknown();
        }

        if (root.Word("priority", "lower-first", "higher-first") is { } polarity)
            options = options with { Priority = polarity == "lower-first" ? PriorityPolarity.LowerFirst : PriorityPolarity.HigherFirst };
        if (root.Map("aliases") is { } aliases)
            options = options with { Aliases = aliases.Keys.ToDictionary(k => k, k => aliases.Text(k) ?? "") };
        if (root.Map("classes") is { } classes) options = options with { Classes = ClassesConfig.Read(classes) };
        if (root.Map("limits") is { } limits) options = Limits(limits, options);

        var engines = new List<EngineSpec>();
        foreach (var (map, node) in root.List("engines"))
            if (Engine(map, node, engines) is { } engine) engines.Add(engine);

        if (root.Word("dashboard", "open", "closed") is { } dashboard) options = options with { IsDashboardOpen = dashboard == "open" };
        if (root.Map("telemetry") is { } telemetry) options = options with { Telemetry = ReadTelemetry(telemetry) };
        var admin = root.Map("admin") is { } adminMap ? ReadAdmin(adminMap) : null;
        var tenants = root.Map("tenants") is { } tenantsMap ? TenantsConfig.Read(tenantsMap, options.Classes) : [];

        string? folder = null, postgres = null;
        if (root.Map("storage") is { } storage)
        {
            (folder, postgres) = (storage.Text("folder"), storage.Text("postgres"));
            if (folder is not null && postgres is not null) storage.ProblemAt("postgres", "expected folder or postgres, not both");
            storage.RefuseUnknown();
        }

        root.RefuseUnknown();
        return new(options, engines, folder, postgres) { Admin = admin, Tenants = tenants };
    }

    private static AdminOptions ReadAdmin(ConfigMap map)
    {
        var byDefault = new AdminOptions();
        var admin = new AdminOptions
        {
            Host = map.Text("host") ?? byDefault.Host, Port = map.Whole("port", 0, 65535), Token = map.Text("token"),
        };
        map.RefuseUnknown();
        try
        {
            admin.Check();
        }
        catch (InputException e)
        {
            map.ProblemAt("host", e.Message.TrimEnd('.'));
        }

        return admin;
    }

    private static TelemetryOptions? ReadTelemetry(ConfigMap map)
    {
        var text = map.Text("otlp");
        var (protocol, service, headers) = (map.Word("protocol", "http", "grpc"), map.Text("service"), map.Text("headers"));
        var every = map.Duration("every");
        map.RefuseUnknown();
        if (text is null) return null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var endpoint) || endpoint.Scheme is not ("http" or "https"))
        {
            map.ProblemAt("otlp", $"'{text}': expected a collector's address such as http://collector:4318");
            return null;
        }

        var read = new TelemetryOptions { Endpoint = endpoint, IsGrpc = protocol == "grpc", Headers = headers };
        if (service is not null) read = read with { Service = service };
        return every is { } span && span < TimeSpan.FromDays(1) ? read with { MetricsEvery = span } : read;
    }

    private static GatewayOptions Limits(ConfigMap map, GatewayOptions o)
    {
        o = o with
        {
            BodyBytesMax = map.Whole("body-mb", 1, 2000) is { } body ? body << 20 : o.BodyBytesMax,
            BodiesBytesMax = map.Whole("bodies-mb", 1, 1 << 20) is { } bodies ? (long)bodies << 20 : o.BodiesBytesMax,
            LiveMax = map.Whole("live", 1, 10_000_000) ?? o.LiveMax,
            ConnectionsMax = map.Whole("connections", 1, 1_000_000) ?? o.ConnectionsMax,
            EnginesMax = map.Whole("engines", 1, 1000) ?? o.EnginesMax,
            OutstandingMax = map.Whole("places", 1, 100_000) ?? o.OutstandingMax,
            AttemptsMax = map.Whole("attempts", 1, 100) ?? o.AttemptsMax,
            OutputTokens = map.Whole("output-tokens", 1, 1 << 24) ?? o.OutputTokens,
            StallAfter = map.Duration("stall") ?? o.StallAfter,
            SilentAfter = map.Duration("silent") ?? o.SilentAfter,
            HoldLost = map.Duration("hold-lost") ?? o.HoldLost,
            Drain = map.Duration("drain") ?? o.Drain,
        };
        map.RefuseUnknown();
        return o;
    }

    private static EngineSpec? Engine(ConfigMap map, YamlNode node, List<EngineSpec> before)
    {
        var (url, demo, files) = (map.Text("url"), map.Text("demo"), map.Text("files"));
        var kind = map.Word("kind", "openai", "vllm", "sglang", "llamacpp", "llamacpp-router", "ollama");
        var spec = new EngineSpec
        {
            Name = map.Text("name") ?? "", Demo = demo, Files = files,
            ApiKey = map.Text("api-key"), Places = map.Whole("places", 1, 100_000),
            Speedup = map.Number("speedup", 0.01, 1000) ?? 1,
            Kind = kind is null ? null : Enum.Parse<UpstreamKind>(kind.Replace("-", ""), ignoreCase: true),
        };
        map.RefuseUnknown();
        if (new[] { url, demo, files }.Count(text => text is not null) != 1)
        {
            map.Problem(
                node,
                "expected one of url, of an engine elsewhere, files, of models to run in this process, or demo, a profile such as "
                + "llama-3.1-8b@a100");
            return null;
        }

        if (url is not null)
        {
            // Several addresses: engines that share a device and take turns to be awake.
            var addresses = new List<Uri>();
            foreach (var one in url.Split(','))
            {
                if (EngineFactory.Address(one.Trim()) is not { } address)
                {
                    map.ProblemAt("url", $"'{one.Trim()}': expected an address such as http://gpu-1:8000");
                    return null;
                }

                addresses.Add(address);
            }

            spec = spec with
            {
                Url = addresses[0],
                Sharing = addresses.Count > 1 ? string.Join(',', addresses.Skip(1)) : null,
                Name = spec.Name.Length > 0 ? spec.Name : EngineFactory.NameOf(addresses[0]),
            };
        }
        else if (files is not null)
        {
            if (spec.Name.Length == 0) spec = spec with { Name = "in-process" };
        }
        else
        {
            try
            {
                foreach (var profile in demo!.Split(',')) Simulation.ProfileCatalog.Find(profile.Trim());
            }
            catch (InputException e)
            {
                map.ProblemAt("demo", e.Message.TrimEnd('.'));
                return null;
            }

            if (spec.Name.Length == 0) spec = spec with { Name = $"demo-{before.Count + 1}" };
        }

        if (before.All(e => e.Name != spec.Name)) return spec;
        map.Problem(node, $"another engine is called '{spec.Name}' already; give it a name");
        return null;
    }

    private static string? TryPolicy(GatewayOptions options)
    {
        try
        {
            Catalog.Make(options.System, new PolicySettings(options.SettingsInUse));
            return null;
        }
        catch (InputException e)
        {
            return e.Message;
        }
    }
}
