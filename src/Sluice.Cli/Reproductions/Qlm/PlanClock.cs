using System.Diagnostics;
using Sluice.Core;

namespace Sluice.Cli;

/// <summary>A wait as it was predicted when the request was queued, and as it was.</summary>
/// <param name="Ahead">Requests queued before it.</param>
internal readonly record struct PredictedWait(RequestId Request, int Ahead, double Mean, double P90, double Actual);

/// <summary>Sits in front of a global scheduler, times its plans and notes its predictions. It changes nothing that the
/// scheduler does.</summary>
internal sealed class PlanClock
{
    private readonly List<(int Queued, double Milliseconds)> _plans = [];
    private readonly List<PredictedWait> _waits = [];
    private readonly Dictionary<RequestId, int> _ahead = [];

    /// <summary>Requests queued, and wall-clock time of the plan on this machine [ms]; in order.</summary>
    public IReadOnlyList<(int Queued, double Milliseconds)> Plans => _plans;

    /// <summary>In order of dispatch; empty when the scheduler predicts nothing.</summary>
    public IReadOnlyList<PredictedWait> Waits => _waits;

    /// <summary>The scheduler itself.</summary>
    public IGlobalScheduler? Scheduler { get; private set; }

    public PolicySet Watch(PolicySet policies)
    {
        Scheduler = policies.Scheduler;
        return policies with { Scheduler = new Watched(policies.Scheduler, this) };
    }

    private sealed class Watched(IGlobalScheduler inner, PlanClock clock) : GlobalDecorator(inner)
    {
        private readonly RwtCalibration? _calibration = (inner as IReportsCalibration)?.Calibration;

        public override EngineId OnQueued(in QueuedRequest request, ClusterView view)
        {
            clock._ahead.TryAdd(request.Request.Id, view.Queued - 1); // It is counted already.
            return base.OnQueued(in request, view);
        }

        public override bool TryTake(EngineId engine, ClusterView view, out RequestId request)
        {
            var before = _calibration?.Count;
            if (!base.TryTake(engine, view, out request)) return false;
            if (_calibration is not null && _calibration.Count > before)
                clock._waits.Add(new(
                    request, clock._ahead[request], _calibration.Last.Mean, _calibration.Last.P90, _calibration.Last.Actual));
            return true;
        }

        public override void Plan(ClusterView view, Operations operations)
        {
            var start = Stopwatch.GetTimestamp();
            base.Plan(view, operations);
            clock._plans.Add((view.Queued, Stopwatch.GetElapsedTime(start).TotalMilliseconds));
        }
    }
}
