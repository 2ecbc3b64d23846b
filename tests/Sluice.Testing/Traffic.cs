using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Testing;

/// <summary>A random case: requests, a fleet and what goes wrong, all from one seed.</summary>
/// <remarks>Times are whole milliseconds and steps often take whole milliseconds too, so that events of different sources
/// meet at one instant again and again: that is where orders go wrong.</remarks>
public sealed record Traffic(Workload Workload, SimulationOptions Options)
{
    public static Traffic Random(ulong seed)
    {
        var rng = new Rng(seed).Fork("traffic");
        var engines = 1 + rng.Next(3);
        var kvBlocks = 8 + rng.Next(rng.Next(2) == 0 ? 40 : 400);
        const int BlockTokens = 16;
        var requests = 1 + rng.Next(60);
        var longest = Math.Max(2, kvBlocks * BlockTokens * (1 + rng.Next(4)) / 4);
        var spacing = 1 + rng.Next(200);
        var programs = rng.Next(3) == 0;
        var roundSteps = rng.Next(2) == 0;

        var made = new List<(Request, int)>();
        var now = 0L;
        for (var i = 0; i < requests; i++)
        {
            if (rng.Next(3) > 0) now += rng.Next(spacing) * TimeSpan.TicksPerMillisecond;
            made.Add(RandomRequest(ref rng, i, now, longest));
        }

        Dictionary<int, FollowUp[]>? followUps = null;
        if (programs)
        {
            followUps = [];
            var firsts = made.Count;
            for (var i = 0; i < firsts; i += 1 + rng.Next(4)) AddProgram(ref rng, made, followUps, i, longest);
        }

        // Tenants come round by number, so that they take nothing from the stream of random numbers.
        var workload = A.Workload(made.Select((m, i) => (m.Item1 with { Tenant = new(i % 3) }, m.Item2)), followUps)
            with { Tenants = ["a", "b", "c"], Calls = RandomCalls(new Rng(seed).Fork("calls"), made) };
        return new(workload, new SimulationOptions
        {
            Engines = [.. Enumerable.Range(0, engines).Select(_ => roundSteps
                ? A.Profile(new StepCoefficients { A = 1, B = 0.001 })
                : A.Profile(A.Coefficients, extraIterations: 1.3, apiMilliseconds: 4))],
            Limits = new(TokenBudget: 4 + rng.Next(rng.Next(2) == 0 ? 60 : 600), SequencesMax: 1 + rng.Next(24)),
            KvTokens = kvBlocks * BlockTokens,
            BlockTokens = BlockTokens,
            HostKvShare = rng.Next(3) * 0.5,
            ModelTokensMax = Math.Max(1, kvBlocks * BlockTokens / (1 + rng.Next(3))),
            OutstandingMax = rng.Next(3) == 0 ? int.MaxValue : 1 + rng.Next(12),
            Patience = rng.Next(3) == 0 ? TimeSpan.FromMilliseconds(1 + rng.Next(2000)) : null,
            Faults = RandomFaults(ref rng, engines, made.Count, now),
            Seed = seed,
        });
    }

    private static (Request Request, int OutputTokens) RandomRequest(ref Rng rng, int id, long ticks, int longest)
    {
        // Now and then one that no engine can ever hold.
        var prompt = 1 + rng.Next(rng.Next(20) == 0 ? 2 * longest : Math.Max(1, longest * 2 / 3));
        var output = 1 + rng.Next(rng.Next(3) == 0 ? Math.Max(1, longest / 2) : 20);
        var blocks = new ulong[prompt / 16];
        var content = new Rng((ulong)rng.Next(4)); // Four prompts that share nothing, in all lengths.
        for (var b = 0; b < blocks.Length; b++) blocks[b] = content.NextUInt64();
        var media = rng.Next(8) > 0
            ? null
            : new MediaWork(MediaKind.Image, 1, Math.Min(prompt, 1 + rng.Next(20)), TimeSpan.FromMilliseconds(rng.Next(300)));
        var slo = new Slo(TimeSpan.FromMilliseconds(1 + rng.Next(3000)), TimeSpan.MaxValue, TimeSpan.MaxValue);
        return (A.Request(
            id, prompt, maxOutputTokens: output + rng.Next(50), ticks, priority: rng.Next(3), blocks, media, slo), output);
    }

    /// <summary>In every fourth case, of every second answer.</summary>
    private static Dictionary<int, ToolCall[]>? RandomCalls(Rng rng, List<(Request Request, int OutputTokens)> made)
    {
        if (rng.Next(4) > 0) return null;
        var calls = new Dictionary<int, ToolCall[]>();
        for (var i = 0; i < made.Count; i++)
        {
            if (rng.Next(2) == 0 || made[i].OutputTokens < 2) continue;
            var places = new SortedSet<int>();
            for (var left = 1 + rng.Next(4); left > 0; left--) places.Add(1 + rng.Next(made[i].OutputTokens - 1));
            calls.Add(i, [.. places.Select(after => new ToolCall(after, TimeSpan.FromMilliseconds(rng.Next(300)), rng.Next(40)))]);
        }

        return calls;
    }

    private static void AddProgram(
        ref Rng rng, List<(Request Request, int)> made, Dictionary<int, FollowUp[]> followUps, int first, int longest)
    {
        var stage = first;
        for (var left = rng.Next(4); left > 0; left--)
        {
            var next = made.Count;
            var (request, output) = RandomRequest(ref rng, next, 0, longest);
            made.Add((request with { Arrival = Instant.Never }, output));
            followUps[stage] = [new(next, TimeSpan.FromMilliseconds(rng.Next(50)))];
            stage = next;
        }
    }

    private static List<Fault> RandomFaults(ref Rng rng, int engines, int requests, long lastArrivalTicks)
    {
        var faults = new List<Fault>();
        var span = (int)(lastArrivalTicks / TimeSpan.TicksPerMillisecond) * 2 + 1000;
        for (var left = rng.Next(3) == 0 ? 0 : rng.Next(8); left > 0; left--)
            faults.Add(new(At(ref rng), FaultKind.Cancel, rng.Next(requests)));

        if (rng.Next(2) == 0)
        {
            for (var left = rng.Next(6); left > 0; left--)
                faults.Add(new(At(ref rng), (FaultKind)(1 + rng.Next(2)), rng.Next(engines)));
            if (rng.Next(6) == 0) // All are lost for ever.
                for (var e = 0; e < engines; e++) faults.Add(new(At(ref rng), FaultKind.LoseEngine, e));
        }

        return [.. faults.OrderBy(f => f.At.Ticks)];

        Instant At(ref Rng rng) => new((long)rng.Next(span) * TimeSpan.TicksPerMillisecond);
    }
}
