using System.Diagnostics;
using Sluice.Core;

namespace Sluice.Cli;

/// <summary>Times what a system decides: its iteration schedulers and its global scheduler. It changes nothing that they
/// do.</summary>
/// <remarks>Wall-clock time, so whoever else wants the processor adds to it; reading the clock adds about 50 ns per decision.
/// Length predictions and admission are not in it, and neither is what the engine does to carry a decision out, but for the
/// operations that composing itself calls.</remarks>
public sealed class DecisionClock
{
    private long _ticks;

    /// <summary>Steps composed. Steps that repeat the last one because nothing changed are not composed.</summary>
    public long Steps { get; private set; }

    /// <summary>NaN when no step was composed.</summary>
    public double MicrosecondsPerStep => Steps == 0 ? double.NaN : _ticks * (1e6 / Stopwatch.Frequency) / Steps;

    public ServingSystem Watch(ServingSystem system) => system with
    {
        Iteration = context => new TimedIteration(system.Iteration(context), this),
        Policies = context =>
        {
            var policies = system.Policies(context);
            return policies with
            {
                Scheduler = policies.Scheduler is IReportsCalibration calibrated
                    ? new TimedForecaster(policies.Scheduler, calibrated, this)
                    : new TimedScheduler(policies.Scheduler, this),
            };
        },
    };

    private void Add(long since) => _ticks += Stopwatch.GetTimestamp() - since;

    private sealed class TimedIteration(IIterationScheduler inner, DecisionClock clock) : IIterationScheduler
    {
        public bool IsStable => inner.IsStable;
        public IWaitingOrder? WaitingOrder => inner.WaitingOrder;
        public bool RetiresTogether => inner.RetiresTogether;
        public int SliceSteps => inner.SliceSteps;

        public void Compose(Step step)
        {
            var start = Stopwatch.GetTimestamp();
            inner.Compose(step);
            clock.Add(start);
            clock.Steps++;
        }
    }

    private sealed class TimedForecaster(IGlobalScheduler inner, IReportsCalibration calibrated, DecisionClock clock)
        : TimedScheduler(inner, clock), IReportsCalibration
    {
        public RwtCalibration Calibration => calibrated.Calibration;
    }

    private class TimedScheduler(IGlobalScheduler inner, DecisionClock clock) : IGlobalScheduler
    {
        public int TriesMax => inner.TriesMax;
        public Instant PlanAt => inner.PlanAt;
        public bool ReadsReports => inner.ReadsReports;
        public bool PlansReadReports => inner.PlansReadReports;

        public EngineId OnQueued(in QueuedRequest request, ClusterView view)
        {
            var start = Stopwatch.GetTimestamp();
            var engine = inner.OnQueued(in request, view);
            clock.Add(start);
            return engine;
        }

        public void OnWithdrawn(Request request, ClusterView view) => inner.OnWithdrawn(request, view);

        public bool TryTake(EngineId engine, ClusterView view, out RequestId request)
        {
            var start = Stopwatch.GetTimestamp();
            var isTaken = inner.TryTake(engine, view, out request);
            clock.Add(start);
            return isTaken;
        }

        public void OnFirstToken(Request request, EngineId engine, ClusterView view)
        {
            var start = Stopwatch.GetTimestamp();
            inner.OnFirstToken(request, engine, view);
            clock.Add(start);
        }

        public void OnOff(Request request, EngineId engine, EventKind how, int outputTokens, ClusterView view)
        {
            var start = Stopwatch.GetTimestamp();
            inner.OnOff(request, engine, how, outputTokens, view);
            clock.Add(start);
        }

        public void OnEngineChanged(EngineId engine, ClusterView view) => inner.OnEngineChanged(engine, view);

        public void Plan(ClusterView view, Operations operations)
        {
            var start = Stopwatch.GetTimestamp();
            inner.Plan(view, operations);
            clock.Add(start);
        }
    }
}
