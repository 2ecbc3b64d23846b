using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Tells policies what the fleet's profiles say.</summary>
internal static class FleetInfos
{
    public static FleetInfo Of(SimulationOptions options)
    {
        var known = new Dictionary<EngineProfile, ModelOnEngine>(ReferenceEqualityComparer.Instance);
        return new([.. options.Engines.Select(e => e.Profiles.Select(Describe).ToArray())]);

        ModelOnEngine? Describe(EngineProfile? profile)
        {
            if (profile is null) return null;
            if (known.TryGetValue(profile, out var described)) return described;
            described = new ModelOnEngine(
                options.KvTokens ?? profile.KvTokens, options.Limits.SequencesMax, options.Limits.TokenBudget,
                new ClosedFormStepTime(profile), options.LoadTimes.WarmSwap(profile, isPinned: true),
                options.LoadTimes.ColdStart(profile, Links.NvmeGen4),
                profile.KvBytesPerToken / (profile.HostGigabytesPerSecond * 1e9));
            known.Add(profile, described);
            return described;
        }
    }
}
