using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Lengths by histogram, and the stages of programs: what JITServe predicts.</summary>
/// <remarks>Programs are followed by their requests' arrivals and ends. At most <see cref="OpenMax"/> are followed at once; the oldest
/// is taken to be over then. A program is over when a stage's requests have ended and none of a next one was seen when the next
/// program's end is looked at, so patterns are learned a little late.</remarks>
public sealed class JitLengths : HistogramLength
{
    private const int OpenMax = 4096;

    private readonly ProgramPatterns _patterns = new();
    private readonly Dictionary<int, OpenProgram> _open = [];
    private readonly Queue<int> _byStart = [];

    public ProgramPatterns Patterns => _patterns;

    /// <summary>Told of each request when it is first seen.</summary>
    /// <returns>Seconds from the request's arrival to the end of its stage's share of the program's time; null when nothing
    /// is known of programs like it or nothing was promised.</returns>
    public double? StageDeadline(Request request)
    {
        if (request.Program < 0 || request.Slo.E2e == TimeSpan.MaxValue) return null;
        var program = Follow(request);
        if (_patterns.ShareUpTo(program.Stages, Math.Min(request.Stage, program.Stages.Count - 1)) is not var (share, stages)) return null;
        var total = request.Slo.E2e.TotalSeconds * stages;
        return program.Start.Seconds + total * share - request.Arrival.Seconds;
    }

    public override void Observe(Request request, int outputTokens)
    {
        base.Observe(request, outputTokens);
        if (request.Program < 0) return;
        var program = Follow(request);
        program.End(request, outputTokens);
    }

    private OpenProgram Follow(Request request)
    {
        if (_open.TryGetValue(request.Program, out var program))
        {
            program.See(request);
            return program;
        }

        if (_open.Count == OpenMax) Close(_byStart.Dequeue());
        program = new(request.Arrival);
        program.See(request);
        _open.Add(request.Program, program);
        _byStart.Enqueue(request.Program);
        CloseOld(request.Arrival);
        return program;
    }

    /// <summary>Those that had nothing new for as long as they lasted so far, and ten seconds, are over.</summary>
    private void CloseOld(Instant now)
    {
        while (_byStart.TryPeek(out var first) && _open[first].IsOver(now)) Close(_byStart.Dequeue());
    }

    private void Close(int id)
    {
        if (_open.Remove(id, out var program)) _patterns.Learn(program.Stages);
    }

    private sealed class OpenProgram(Instant start)
    {
        private readonly List<Instant> _arrivals = [];
        private Instant _last = start;

        public Instant Start { get; } = start;
        public List<StagePattern> Stages { get; } = [];

        public void See(Request request)
        {
            while (Stages.Count <= request.Stage)
            {
                Stages.Add(new(request.PromptTokens, 0, 0, 0));
                _arrivals.Add(request.Arrival);
            }

            if (request.Arrival > _last) _last = request.Arrival;
        }

        public void End(Request request, int outputTokens)
        {
            var s = Stages[request.Stage];
            var calls = s.Calls + 1;
            Stages[request.Stage] = new(
                s.In + (request.PromptTokens - s.In) / calls, s.Out + (outputTokens - s.Out) / calls, calls,
                Math.Max(s.Seconds, outputTokens)); // Execution time goes with the answer; tokens stand for seconds.
        }

        public bool IsOver(Instant now) => now.Seconds - _last.Seconds > Math.Max(10, 2 * (_last.Seconds - Start.Seconds));
    }
}
