using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Makes the KV cache a system asks for, in the size of an engine.</summary>
public static class KvCaches
{
    public static IKvCache Make(ServingSystem system, EngineProfile profile, SimulationOptions options, Func<Request, int> trueLength)
    {
        var tokens = options.KvTokens ?? profile.KvTokens;
        var blocks = tokens / options.BlockTokens;
        var hostBlocks = (int)(blocks * options.HostKvShare);
        return system.Kv switch
        {
            KvKind.Paged => new CountingKvCache(blocks, options.BlockTokens, hostBlocks),
            KvKind.PrefixCache => new PagedKvCache(blocks, options.BlockTokens, hostBlocks, prefixCache: true),
            KvKind.ReserveMaximum => Reserving(AtLeastAll(ReservationRules.ReserveMaximum(options.ModelTokensMax))),
            KvKind.ReservePowerOfTwo => Reserving(ReservationRules.ReservePowerOfTwo(trueLength)),
            KvKind.ReserveOracle => Reserving(ReservationRules.ReserveExact(trueLength)),
            _ => throw new InvariantException($"unmapped {system.Kv}"),
        };

        // A workload may ask for more than the model takes; it then reserves that, because a range cannot grow.
        Func<Request, int> AtLeastAll(Func<Request, int> rule) =>
            request => Math.Max(rule(request), request.PromptTokens + trueLength(request));

        ReservingKvCache Reserving(Func<Request, int> rule) => new(tokens, rule, system.Ranges);
    }
}
