using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Releases the later stages of programs: a request arrives when all it waits for is answered and the slowest tool
/// among them has run.</summary>
internal sealed class ProgramTracker
{
    private readonly Workload _workload;
    private readonly int[] _pending;
    private readonly long[] _readyTicks;

    public ProgramTracker(Workload workload)
    {
        _workload = workload;
        _pending = new int[workload.Requests.Length];
        _readyTicks = new long[workload.Requests.Length];
        for (var i = 0; i < workload.Requests.Length; i++)
            if (workload.FollowUps!.TryGetValue(i, out var followUps))
                foreach (var followUp in followUps) _pending[followUp.Request]++;
    }

    public void OnFinished(int request, Instant deliveredAt, Action<Instant, Request> release)
    {
        if (!_workload.FollowUps!.TryGetValue(request, out var followUps)) return;
        foreach (var (next, toolDelay) in followUps)
        {
            _readyTicks[next] = Math.Max(_readyTicks[next], (deliveredAt + toolDelay).Ticks);
            if (--_pending[next] > 0) continue;
            var at = new Instant(_readyTicks[next]);
            release(at, _workload.Requests[next] with { Arrival = at });
        }
    }
}
