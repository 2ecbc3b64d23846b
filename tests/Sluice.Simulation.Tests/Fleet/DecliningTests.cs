using Sluice.Core;
using Sluice.Policies;

namespace Sluice.Simulation.Tests;

/// <summary>An engine that may hand a request back: the next one is asked, and the last has to take it.</summary>
public sealed class DecliningTests
{
    [Fact]
    public void A_request_that_everybody_declines_ends_where_the_last_try_put_it()
    {
        var run = Run(engines: 3, tries: 3);

        Assert.Equal([0, 1, 2], run.Events.Of(EventKind.Dispatched).Where(e => e.Request.Value == 0).Select(e => e.Engine.Index));
        Assert.Equal(2, run.Events.Of(EventKind.Declined).Count(e => e.Request.Value == 0));
        Assert.All(run.Events.Of(EventKind.Finished), e => Assert.Equal(2, e.Engine.Index));
        Assert.Equal(20, run.Events.Of(EventKind.Finished).Length);
    }

    [Fact]
    public void Without_tries_nobody_may_decline()
    {
        var run = Run(engines: 3, tries: 1);

        Assert.Empty(run.Events.Of(EventKind.Declined));
        Assert.Equal(20, run.Events.Of(EventKind.Finished).Length);
    }

    private static Watched Run(int engines, int tries)
    {
        var load = A.Workload(Enumerable.Range(0, 20).Select(i => (A.Request(i, 20, arrivalTicks: i * 5000), 5)));
        var system = Systems.Make("vllm-v1") with
        {
            Iteration = static _ => new Declining(),
            Policies = _ => new PolicySet(new AcceptAll(), new LearnedLength(), new OneAfterTheOther(tries)),
        };
        return new(load, system, new SimulationOptions
        {
            Engines = [.. Enumerable.Repeat<EngineSetup>(A.Profile(), engines)],
            OutstandingMax = 100,
        });
    }

    private sealed class OneAfterTheOther(int tries) : IGlobalScheduler
    {
        private readonly RoutedQueue _queue = new(new LeastOutstanding());

        public int TriesMax => tries;

        public EngineId OnQueued(in QueuedRequest request, ClusterView view)
        {
            var next = view.Engines[request.Declines];
            return next.CanTake(request.Request) ? next.Id : _queue.OnQueued(in request, view);
        }

        public void OnWithdrawn(Request request, ClusterView view) => _queue.OnWithdrawn(request, view);

        public bool TryTake(EngineId engine, ClusterView view, out RequestId request) => _queue.TryTake(engine, view, out request);
    }

    /// <summary>Declines whatever it may.</summary>
    private sealed class Declining : IIterationScheduler
    {
        private readonly IIterationScheduler _inner = A.System("vllm-v1").Iteration();
        private readonly int[] _waiting = new int[100];

        public bool IsStable => true;

        public void Compose(Step step)
        {
            var count = step.Waiting.CopyTo(_waiting);
            for (var i = 0; i < count; i++)
                if (step[_waiting[i]].MayDecline) step.Decline(_waiting[i]);
            _inner.Compose(step);
        }
    }
}
