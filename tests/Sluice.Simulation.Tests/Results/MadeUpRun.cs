using Sluice.Core;

namespace Sluice.Simulation.Tests;

/// <summary>Runs that look real but were not simulated: a few servers, a queue, two or more classes. Enough shape for
/// reports; the numbers mean nothing.</summary>
public static class MadeUpRun
{
    public static RunResult Make(
        string system = "vllm-v1", int requests = 4000, double rate = 12, double speed = 1, ulong seed = 7, int engines = 4,
        string[]? classes = null, string[]? notes = null, string workload = "azure2023_conv", int tenants = 3)
    {
        classes ??= ["interactive", "batch"];
        var rng = new Rng(seed);
        var slots = new long[engines * 24];
        var log = new RequestLog(requests);
        var all = new Request[requests];
        var output = new int[requests];
        var itl = new LogHistogram();
        var arrival = 0L;
        for (var i = 0; i < requests; i++)
        {
            var burst = 1 + 0.7 * Math.Sin(i / (requests / 9.0));
            arrival += Ticks(-Math.Log(1 - rng.NextDouble()) / rate / burst);
            var c = rng.Next(10) < 6 ? 0 : Math.Min(classes.Length - 1, 1 + rng.Next(classes.Length));
            output[i] = Math.Max(1, (int)Math.Exp(4.9 + 0.9 * rng.NextNormal() + 0.4 * c));
            all[i] = new()
            {
                Id = new(i), Class = new(c), Tenant = new(Math.Min(tenants - 1, (int)(-Math.Log(1 - rng.NextDouble()) * tenants / 2))),
                Arrival = new(arrival), PromptTokens = Math.Max(4, (int)Math.Exp(6.2 + 1.1 * rng.NextNormal())),
                MaxOutputTokens = 4096, Slo = SloOf(c),
            };
            Serve(log, all[i], output[i], slots, itl, speed, ref rng);
        }

        var end = log.Ended.Max();
        return new()
        {
            System = system,
            Workload = new()
            {
                Name = workload, Origin = "Azure LLM inference trace 2023, conversations (made up for a test)", Requests = all,
                OutputTokens = output, Classes = classes, Tenants = [.. Enumerable.Range(0, tenants).Select(t => $"tenant {t}")],
                Models = ["llama-3-70b"],
            },
            Settings =
            [
                new("system", system), new("workload", workload), new("rate", $"{rate}"), new("engines", $"{engines}"), new("seed", $"{seed}"),
            ],
            Engines = engines,
            Devices = engines * 2,
            Log = log,
            ItlMilliseconds = itl,
            Series = SeriesOf(log, slots.Length, end),
            Iterations = end / Ticks(0.03),
            PrefillTokens = all.Sum(r => (long)r.PromptTokens),
            Fingerprint = new Rng(seed ^ (ulong)requests).Fork(system).NextUInt64(),
            End = new(end),
            Wall = TimeSpan.FromMilliseconds(412),
            Notes = notes ??
            [
                "Step times: profile h200-llama3-70b-tp2, fitted to published measurements; not checked against this trace.",
                "Inferred: prompt content is unknown, so no prefix is shared.",
            ],
        };
    }

    private static void Serve(
        RequestLog log, Request request, int output, long[] slots, LogHistogram itl, double speed, ref Rng rng)
    {
        var i = (int)request.Id.Value;
        var slot = Array.IndexOf(slots, slots.Min());
        var arrival = request.Arrival.Ticks;
        var started = Math.Max(arrival, slots[slot]);
        log.Arrival[i] = arrival;
        if (started - arrival > Ticks(30) && request.Class.Index == 0)
        {
            log.Outcome[i] = Outcome.Rejected;
            log.Ended[i] = arrival;
            return;
        }

        var gap = (0.022 + 0.012 * rng.NextDouble() + (rng.Next(40) == 0 ? 0.05 : 0)) / speed;
        log.Dispatched[i] = arrival;
        log.Started[i] = started;
        log.FirstToken[i] = started + Ticks((0.03 + request.PromptTokens * 0.00012) / speed * (1 + rng.NextDouble()));
        log.Ended[i] = log.FirstToken[i] + Ticks(gap) * (output - 1);
        log.OutputTokens[i] = output;
        log.Engine[i] = (short)(slot % (slots.Length / 24));
        log.Preemptions[i] = (ushort)(rng.Next(60) == 0 ? 1 : 0);
        log.Outcome[i] = rng.Next(900) == 0 ? Outcome.Failed : Outcome.Finished;
        slots[slot] = log.Ended[i];
        for (var t = 0; t < Math.Min(20, output - 1); t++) itl.Add(gap * 1000 * (0.85 + 0.3 * rng.NextDouble()));
    }

    private static TimeSeries SeriesOf(RequestLog log, int slots, long end)
    {
        var series = new TimeSeries(Math.Max(1, end / 1500));
        for (var at = 0L; at <= end; at = series.NextAtTicks)
        {
            var (waiting, running, tokens, finished) = (0, 0, 0L, 0L);
            for (var i = 0; i < log.Count; i++)
            {
                if (log.Started[i] < 0 || log.Arrival[i] > at) continue;
                if (log.Started[i] > at) waiting++;
                else if (log.Ended[i] > at) running++;
                else finished++;
                if (log.FirstToken[i] > at) continue;
                var share = Math.Min(1, (at - log.FirstToken[i] + 1) / (double)(log.Ended[i] - log.FirstToken[i] + 1));
                tokens += (long)(share * log.OutputTokens[i]);
            }

            var used = 0.94 * running / slots;
            series.Add(new(at, waiting, running, used, used * 0.88, tokens, finished));
        }

        return series;
    }

    private static Slo SloOf(int c) => c switch
    {
        0 => new(TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(50), TimeSpan.MaxValue),
        1 => new(TimeSpan.MaxValue, TimeSpan.MaxValue, TimeSpan.FromSeconds(60)),
        _ => new(TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(30), TimeSpan.MaxValue),
    };

    private static long Ticks(double seconds) => (long)(seconds * TimeSpan.TicksPerSecond);
}
