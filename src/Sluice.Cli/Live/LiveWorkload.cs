using System.Globalization;
using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>The traffic that <c>sluice validate --live</c> compares on.</summary>
internal static class LiveWorkload
{
    /// <param name="rate">Requests per second.</param>
    public static Workload Make(int requests, double rate, int tokensMax, ulong seed)
    {
        // Chats, and one in four with a long prompt; cut to what the model takes.
        var (chats, documents) = (requests * 3 / 4, requests - requests * 3 / 4);
        var longest = Math.Min(tokensMax, 1024);
        var chat = Part(rate * 0.75, chats, longest / 16, longest / 24, "chat");
        var document = Part(rate * 0.25, documents, longest / 4, longest / 40, "document");
        return WorkloadSource.FromSpec($"{chat}|{document}", new Rng(seed));

        string Part(double perSecond, int count, int prompt, int output, string name) => string.Create(
            CultureInfo.InvariantCulture,
            $"poisson:rate={perSecond:R},n={count},prompt=lognormal({prompt},0.5),output=lognormal({output},0.6),")
            + $"max-total={longest},class={name}";
    }

    /// <summary>Promises near what the simulator expects, so that some are met and some are not.</summary>
    public static Workload Promise(Workload workload, RunSummary expected, ulong seed)
    {
        var (ttft, tpot, e2e) = (1.5 * expected.All.Ttft.Mean, 1.25 * expected.All.Tpot.Mean, 1.5 * expected.All.E2e.Mean);
        var slo = string.Create(
            CultureInfo.InvariantCulture, $"chat:0.75,ttft={ttft:0.###}ms,tpot={tpot:0.###}ms;document:0.25,e2e={e2e:0.###}ms");
        return SloMix.Parse(slo).Apply(workload, new Rng(seed));
    }

    /// <summary>The same in parts of equal numbers of requests, with a pause between each and the next.</summary>
    public static Workload InParts(Workload workload, int parts, TimeSpan pause)
    {
        var requests = workload.Requests;
        return workload with
        {
            Requests = [.. requests.Select((r, i) =>
                r with { Arrival = new(r.Arrival.Ticks + (long)i * parts / requests.Length * pause.Ticks) })],
        };
    }
}
