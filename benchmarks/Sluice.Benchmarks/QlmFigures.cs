using System.Diagnostics;
using Sluice.Core;
using Sluice.Policies;

namespace Sluice.Benchmarks;

/// <summary>What QLM's decisions cost, without any engine behind them: snapshots whose places are all taken stand for the
/// fleet, so that everybody who comes has to queue.</summary>
public static class QlmFigures
{
    private const int Places = 64; // of an engine

    public static IEnumerable<Figure> All()
    {
        yield return new("1,000 groups on 100 engines replanned [ms]", runs =>
        {
            var (milliseconds, moves) = Replan(runs, groups: 1000, engines: 100);
            return ($"{milliseconds:0.0} ({moves:N0} moves)", "50");
        });
        foreach (var queued in (int[])[1_000, 40_000, 400_000])
        {
            yield return new($"arrival with {queued:N0} queued [ns]", runs => ($"{Arrivals(runs, queued).Nanoseconds:0}", "no growth"));
            yield return new($"pull with {queued:N0} queued [ns]", runs => ($"{Pulls(runs, queued).Nanoseconds:0}", "no growth"));
        }

        yield return new("bytes per arrival once warm", _ => ($"{Arrivals(3, 40_000).Bytes:0.###}", "0"));
        yield return new("bytes per pull once warm", _ => ($"{Pulls(3, 40_000).Bytes:0.###}", "0"));
    }

    /// <summary>Every request is a group, all on one model, most of them too late: the search has to be made.</summary>
    private static (double Milliseconds, long Moves) Replan(int runs, int groups, int engines)
    {
        var (times, moves) = (new List<double>(), 0L);
        for (var run = 0; run <= runs; run++)
        {
            var queue = new Queue(engines, new QlmOptions { GroupCap = 0 });
            queue.Arrive(engines * Places + groups, millisecondsApart: 1);
            var start = Stopwatch.GetTimestamp();
            queue.Plan();
            if (run > 0) times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds); // The first compiles.
            moves = queue.Scheduler.Counts.Moves;
        }

        return (times.Min(), moves);
    }

    private static (double Nanoseconds, double Bytes) Arrivals(int runs, int queued) => Measure(runs, queued, isArrival: true);

    private static (double Nanoseconds, double Bytes) Pulls(int runs, int queued) => Measure(runs, queued, isArrival: false);

    /// <summary>In turn, a thousand come and a thousand of those queued are pulled, so that the queue stays as long; one of the
    /// two is timed. The best of the rounds: what interrupts them is not theirs.</summary>
    private static (double Nanoseconds, double Bytes) Measure(int runs, int queued, bool isArrival)
    {
        const int portion = 1000;
        var queue = new Queue(engines: 8, new QlmOptions());
        queue.Arrive(8 * Places + queued, millisecondsApart: 0.01);
        var (best, bytes) = (double.PositiveInfinity, double.PositiveInfinity);
        for (var round = 0; round < 5 + 3 * runs; round++)
        {
            if (isArrival) queue.Prepare(portion);
            else queue.Arrive(portion, millisecondsApart: 0.01);
            var (before, start) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.GetTimestamp());
            if (isArrival) queue.ArrivePrepared();
            else queue.Pull(portion);
            var taken = Stopwatch.GetElapsedTime(start).TotalNanoseconds / portion;
            var allocated = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)portion;
            if (isArrival) queue.Pull(portion);
            if (round < 5) continue; // Until every array has its size.
            (best, bytes) = (Math.Min(best, taken), Math.Min(bytes, allocated));
        }

        return (best, bytes);
    }

    /// <summary>A scheduler, its engines, and requests that come to it in three promises and many lengths.</summary>
    private sealed class Queue(int engines, QlmOptions options)
    {
        private static readonly double[] s_promises = [20, 60, 3600];

        private readonly EngineSnapshot[] _engines =
        [
            .. Enumerable.Range(0, engines).Select(v => new EngineSnapshot
            {
                Id = new(v), IsPresent = true, IsReady = true, OutstandingMax = Places,
            }),
        ];

        private readonly Queue<(Request Request, EngineId Engine)> _running = new(1 << 14);
        private readonly Dictionary<RequestId, Request> _all = [];
        private readonly Operations _operations = new();
        private Request[] _prepared = [];
        private long _now, _next;

        public Qlm Scheduler { get; } = new(options, fleet: null);

        private ClusterView View => new(new(_now), _engines, 0);

        public void Prepare(int count)
        {
            _prepared = new Request[count];
            for (var i = 0; i < count; i++) _prepared[i] = Make();
            foreach (var request in _prepared) _all[request.Id] = request;
        }

        public void Arrive(int count, double millisecondsApart)
        {
            for (var i = 0; i < count; i++)
            {
                _now += (long)(millisecondsApart * TimeSpan.TicksPerMillisecond);
                var request = Make();
                _all[request.Id] = request;
                Arrive(request);
            }
        }

        public void ArrivePrepared()
        {
            foreach (var request in _prepared) Arrive(request);
        }

        /// <summary>As many times, whoever was sent first ends and the engine takes the next.</summary>
        public void Pull(int count)
        {
            for (var i = 0; i < count; i++)
            {
                var (request, engine) = _running.Dequeue();
                _engines[engine.Index].Outstanding--;
                Scheduler.OnOff(request, engine, EventKind.Finished, 100, View);
                if (!Scheduler.TryTake(engine, View, out var id)) continue;
                _engines[engine.Index].Outstanding++;
                _running.Enqueue((_all[id], engine));
            }
        }

        public void Plan()
        {
            _now += TimeSpan.TicksPerMinute; // Who was promised 20 s is late.
            _operations.Clear();
            Scheduler.Plan(View, _operations);
        }

        private void Arrive(Request request)
        {
            var queued = new QueuedRequest(request, new(100, 10_000), 0, EngineId.None);
            var engine = Scheduler.OnQueued(in queued, View);
            if (engine == EngineId.None) return;
            _engines[engine.Index].Outstanding++;
            _running.Enqueue((request, engine));
        }

        private Request Make()
        {
            var n = _next++;
            return new()
            {
                Id = new(n), Arrival = new(_now), PromptTokens = (int)(50 << (int)(n % 5)), MaxOutputTokens = 1000, Model = default,
                Slo = Slo.BestEffort with { Ttft = TimeSpan.FromSeconds(s_promises[n % 3]) },
            };
        }
    }
}
