using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Adds up what a system's decisions cost: those of its iteration schedulers and of its global scheduler. It changes
/// nothing that they do.</summary>
/// <param name="read">A reading that grows: a clock for time, the allocator's count for bytes. The simulator has neither.</param>
/// <remarks>Length predictions and admission are not in it, and neither is what the engine does to carry a decision out, but for
/// the operations that composing itself calls.</remarks>
public sealed class DecisionMeter(Func<long> read)
{
    /// <summary>In the unit of the readings.</summary>
    public long Total { get; private set; }

    /// <summary>Steps composed. Steps that repeat the last one because nothing changed are not composed.</summary>
    public long Steps { get; private set; }

    /// <summary>NaN when no step was composed.</summary>
    public double PerStep => Steps == 0 ? double.NaN : Total / (double)Steps;

    /// <summary>Forgets what it has added up.</summary>
    public void Reset() => (Total, Steps) = (0, 0);

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

    private long Read() => read();

    private void Add(long since) => Total += read() - since;

    private sealed class TimedIteration(IIterationScheduler inner, DecisionMeter meter) : IterationDecorator(inner)
    {
        public override void Compose(Step step)
        {
            var start = meter.Read();
            base.Compose(step);
            meter.Add(start);
            meter.Steps++;
        }
    }

    private sealed class TimedForecaster(IGlobalScheduler inner, IReportsCalibration calibrated, DecisionMeter meter)
        : TimedScheduler(inner, meter), IReportsCalibration
    {
        public RwtCalibration Calibration => calibrated.Calibration;
    }

    private class TimedScheduler(IGlobalScheduler inner, DecisionMeter meter) : GlobalDecorator(inner)
    {
        public override EngineId OnQueued(in QueuedRequest request, ClusterView view)
        {
            var start = meter.Read();
            var engine = base.OnQueued(in request, view);
            meter.Add(start);
            return engine;
        }

        public override bool TryTake(EngineId engine, ClusterView view, out RequestId request)
        {
            var start = meter.Read();
            var isTaken = base.TryTake(engine, view, out request);
            meter.Add(start);
            return isTaken;
        }

        public override void OnFirstToken(Request request, EngineId engine, ClusterView view)
        {
            var start = meter.Read();
            base.OnFirstToken(request, engine, view);
            meter.Add(start);
        }

        public override void OnOff(Request request, EngineId engine, EventKind how, int outputTokens, ClusterView view)
        {
            var start = meter.Read();
            base.OnOff(request, engine, how, outputTokens, view);
            meter.Add(start);
        }

        public override void Plan(ClusterView view, Operations operations)
        {
            var start = meter.Read();
            base.Plan(view, operations);
            meter.Add(start);
        }
    }
}
