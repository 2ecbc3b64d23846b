namespace Sluice.Gateway;

/// <summary>Brings a running gateway in line with a changed configuration, without dropping a request.</summary>
public static class GatewayReload
{
    /// <returns>What was done, and what needs a restart; one line each.</returns>
    public static async Task<IReadOnlyList<string>> ApplyAsync(GatewayServices gateway, GatewayConfig config)
    {
        var said = new List<string>();
        var (now, next) = (gateway.Options, config.Options);
        if ((now.Host, now.Port) != (next.Host, next.Port)) said.Add("listen: needs a restart");
        if (now.System != next.System || !now.Settings.OrderBy(s => s.Key).SequenceEqual(next.Settings.OrderBy(s => s.Key)))
            said.Add("policy: needs a restart");
        if (next.Telemetry is not null && next.Telemetry != now.Telemetry) said.Add("telemetry: needs a restart");
        var taken = now with
        {
            Classes = next.Classes, Aliases = next.Aliases, Priority = next.Priority, Settings = next.Settings,
            IsDashboardOpen = next.IsDashboardOpen,
        };
        if (taken != next with
        {
            Host = now.Host, Port = now.Port, System = now.System, EnginesMax = now.EnginesMax, JournalFolder = now.JournalFolder,
            Telemetry = now.Telemetry,
        })
            said.Add("limits: need a restart");

        // Live requests know their class by its number.
        var names = now.Classes.All.Select(c => c.Name).ToList();
        var keepsClasses = next.Classes.All.Select(c => c.Name).Take(names.Count).SequenceEqual(names);
        if (!keepsClasses) said.Add("classes: one that is taken away needs a restart");
        gateway.Change(now with
        {
            Classes = keepsClasses ? next.Classes : now.Classes, Aliases = next.Aliases, Priority = next.Priority,
            IsDashboardOpen = next.IsDashboardOpen,
        });
        if (keepsClasses) said.Add("classes, aliases and priority: in use");
        if (gateway.Callers is TenantDoor door && config.Tenants.Count > 0)
            said.AddRange(await door.Directory.TakeAsync(config.Tenants, Environment.GetEnvironmentVariable).ConfigureAwait(false));
        await EnginesAsync(gateway, config.Engines, said).ConfigureAwait(false);
        return said;
    }

    private static async Task EnginesAsync(GatewayServices gateway, IReadOnlyList<EngineSpec> wanted, List<string> said)
    {
        var set = gateway.Engines;
        var gone = set.All.Where(e => e.Spec is { } spec && !wanted.Contains(spec)).ToList();
        var added = wanted.Where(spec => set.All.All(e => e.Spec != spec)).ToList();
        foreach (var entry in gone) said.Add($"engine {entry.Spec!.Name}: leaves when its requests have ended");
        foreach (var spec in added)
        {
            await set.AddAsync(EngineFactory.Make(spec, gateway.Loop.Time)).ConfigureAwait(false);
            said.Add($"engine {spec.Name}: added");
        }

        // After the new ones are there, so that nothing waits that need not.
        foreach (var entry in gone) _ = set.RemoveAsync(entry.Upstream);
    }
}
