using Sluice.Core;

namespace Sluice.Policies;

/// <summary>Own account of one engine.</summary>
internal struct EngineAccount
{
    /// <summary>Entries on it, in order of dispatch.</summary>
    public int First, Last;

    /// <summary>KV tokens of the entries on it when they were sent; what they have produced since comes on top.</summary>
    public double KvTokens;

    /// <summary>Tokens that a sequence would have produced here since the beginning, and the entry that is predicted to end
    /// first on that clock; -1 when that has to be looked up.</summary>
    public double Clock;
    public int FirstToEnd;

    /// <summary>Sums over the entries on it when they were sent: tokens to produce, their variance.</summary>
    public double OutputTokens, OutputVariance;

    /// <summary>Tokens they have produced here: exact at a report, carried forward in between.</summary>
    public double TokensDone;
    public long DoneAt; // ticks

    /// <summary>Evictions asked for and not confirmed.</summary>
    public int Leaving;

    /// <summary>The model it is loading, or -1; and when that should be done [ticks].</summary>
    public int Loading;
    public long LoadEndsAt;

    /// <summary>Ticks until which its model stays while somebody waits for it, and until which it stays at least.</summary>
    public long ResidentUntil, LeastUntil;

    /// <summary>It has not lacked work since [ticks]; never while it lacks it.</summary>
    public long BusySince;

    /// <summary>Of the last report: when, and output tokens so far.</summary>
    public long ReportedAt, ReportedTokens;

    /// <summary>Tokens to prefill of those that were sent since then.</summary>
    public double PrefillSent;

    /// <summary>Tokens produced here by those that are off it.</summary>
    public long TokensSettled;

    /// <summary>Prompt tokens sent since the beginning; up to where they are known to be computed; and how many were left
    /// when [ticks].</summary>
    public double PromptsSent, PromptsSeen, PromptsLeft;
    public long PromptsAt;
}

/// <summary>Keeps the engines' accounts and says what they are busy with.</summary>
/// <param name="promptsMax">See <see cref="QlmOptions.Prompts"/>.</param>
internal sealed class EngineLoads(Backlog backlog, Throughputs speeds, TimeSpan promptsMax)
{
    /// <summary>Shortest time over which an output rate is worth learning from.</summary>
    private const double LearnSeconds = 2;

    private EngineAccount[] _accounts = [];

    public ref EngineAccount this[int engine] => ref _accounts[engine];

    public void Begin(int engines)
    {
        _accounts = new EngineAccount[engines];
        Array.Fill(_accounts, new() { First = -1, Last = -1, FirstToEnd = -1, Loading = -1, BusySince = long.MaxValue });
    }

    /// <summary>The model it has, or will have when the load under way is done.</summary>
    public ModelId ModelOf(int engine, ClusterView view) =>
        _accounts[engine].Loading is var loading and >= 0 ? new(loading) : view.Engines[engine].Model;

    /// <summary>There is a place and KV for it now, and not too much before it.</summary>
    public bool HasRoom(int engine, in Entry e, ClusterView view)
    {
        ref readonly var snapshot = ref view.Engines[engine];
        if (snapshot.FreeSlots <= 0 || snapshot.Outstanding >= speeds.SlotsMax(snapshot.Id, e.Request.Model)) return false;
        if (snapshot.Outstanding == 0) return true;
        return UntilPromptsFit(engine, view) <= TimeSpan.Zero && KvShort(engine, 1, e.StartTokens, e.RemainingTokens, view) <= 0;
    }

    /// <summary>Until so many of the prompts sent to an engine are computed that it may take another.</summary>
    public TimeSpan UntilPromptsFit(int engine, ClusterView view) =>
        promptsMax == TimeSpan.Zero ? TimeSpan.Zero : TimeSpan.FromSeconds(PromptSeconds(engine, view)) - promptsMax;

    /// <summary>Time an engine needs for the prompts that were sent to it and are not computed [s]; zero where nobody
    /// asks.</summary>
    /// <remarks>Estimated from its speed, and set right whenever a first token or an end shows how far it really is.</remarks>
    public double PromptSeconds(int engine, ClusterView view)
    {
        if (promptsMax == TimeSpan.Zero) return 0;
        ref var a = ref _accounts[engine];
        var left = a.PromptsLeft * speeds.Of(new(engine), view.Engines[engine].Model, view).PromptSeconds;
        return Math.Max(0, left - Seconds(view.Now.Ticks - a.PromptsAt));
    }

    /// <summary>A prompt is computed, and all that were sent before it.</summary>
    public void SeeFirstToken(int entry, int engine, ClusterView view)
    {
        ref var a = ref _accounts[engine];
        if (backlog[entry].SentUpTo <= a.PromptsSeen) return;
        a.PromptsSeen = backlog[entry].SentUpTo;
        (a.PromptsLeft, a.PromptsAt) = (a.PromptsSent - a.PromptsSeen, view.Now.Ticks);
    }

    /// <summary>KV tokens that are short if so many requests more come to an engine; not positive if they fit.</summary>
    /// <remarks>What is held grows by a token per request and step until the first of them ends; from then on, in a mixed
    /// batch, those that end give back more than the others take. So the peak is at the first end, which is far off for a
    /// batch that began together and near for one in the steady state.</remarks>
    public double KvShort(int engine, int requests, double startTokens, double remainingTokens, ClusterView view)
    {
        ref var a = ref _accounts[engine];
        Carry(ref a, engine, view);
        var running = view.Engines[engine].Outstanding;
        var first = running == 0 ? remainingTokens : Math.Min(remainingTokens, StepsToFirstEnd(engine, view));
        return a.KvTokens + a.TokensDone + startTokens + (running + requests) * first
            - speeds.KvTokens(new(engine), view.Engines[engine].Model);
    }

    /// <summary>KV tokens that an entry on the engine holds now.</summary>
    public double HeldBy(int entry, int engine) =>
        backlog[entry].KvTokens + Math.Max(0, _accounts[engine].Clock - backlog[entry].StartClock);

    public void Add(int entry, int engine, ClusterView view)
    {
        ref var a = ref _accounts[engine];
        Carry(ref a, engine, view);
        ref var e = ref backlog[entry];
        e.Engine = new(engine);
        e.KvTokens = e.StartTokens;
        e.StartClock = a.Clock;
        if (a.FirstToEnd >= 0 && EndOf(a.FirstToEnd) > EndOf(entry)) a.FirstToEnd = entry;
        a.KvTokens += e.KvTokens;
        a.PrefillSent += e.PrefillTokens;
        SendPrompt(ref a, ref e, engine, view);
        a.OutputTokens += e.RemainingTokens;
        a.OutputVariance += e.Predicted.Variance;
        (e.Previous, e.Next) = (a.Last, -1);
        if (a.Last >= 0) backlog[a.Last].Next = entry;
        else a.First = entry;
        a.Last = entry;
    }

    /// <summary>It was to leave, and cannot.</summary>
    public void Stay(int entry)
    {
        ref var e = ref backlog[entry];
        if (e.IsLeaving) _accounts[e.Engine.Index].Leaving--;
        (e.IsLeaving, e.Stays) = (false, true);
    }

    /// <param name="outputTokens">Of its whole answer so far.</param>
    public void Remove(int entry, int outputTokens, ClusterView view)
    {
        ref var e = ref backlog[entry];
        ref var a = ref _accounts[e.Engine.Index];
        Carry(ref a, e.Engine.Index, view);
        a.KvTokens -= e.KvTokens;
        a.OutputTokens -= e.RemainingTokens;
        a.OutputVariance = Math.Max(0, a.OutputVariance - e.Predicted.Variance); // Rounding must not make it negative.
        a.TokensDone = Math.Max(0, a.TokensDone - (outputTokens - e.OutputTokens));
        a.TokensSettled += outputTokens - e.OutputTokens;
        if (a.FirstToEnd == entry) a.FirstToEnd = -1;
        if (e.IsLeaving) a.Leaving--;
        (e.IsLeaving, e.Stays) = (false, false);
        if (e.Previous >= 0) backlog[e.Previous].Next = e.Next;
        else a.First = e.Next;
        if (e.Next >= 0) backlog[e.Next].Previous = e.Previous;
        else a.Last = e.Previous;
        e.Engine = EngineId.None;
        if (a.First < 0) (a.KvTokens, a.OutputTokens, a.OutputVariance, a.TokensDone, a.PromptsLeft) = (0, 0, 0, 0, 0);
    }

    private void SendPrompt(ref EngineAccount a, ref Entry e, int engine, ClusterView view)
    {
        var perToken = speeds.Of(new(engine), view.Engines[engine].Model, view).PromptSeconds;
        a.PromptsLeft = e.PrefillTokens + (perToken > 0 ? PromptSeconds(engine, view) / perToken : 0);
        a.PromptsAt = view.Now.Ticks;
        a.PromptsSent += e.PrefillTokens;
        e.SentUpTo = a.PromptsSent;
    }

    /// <summary>What a newcomer of the model would find.</summary>
    /// <param name="isFull">Somebody was just not taken, so that what looks free on average is not.</param>
    public EngineLoad LoadFor(int engine, ModelId model, ClusterView view, bool isFull = false)
    {
        ref var a = ref _accounts[engine];
        ref readonly var snapshot = ref view.Engines[engine];
        var speed = speeds.Of(snapshot.Id, model, view);
        if (a.Loading >= 0) return new(speed.Batch, Seconds(Math.Max(0, a.LoadEndsAt - view.Now.Ticks)), 0);

        Carry(ref a, engine, view);
        var running = snapshot.Outstanding;
        var free = Math.Min(snapshot.FreeSlots, speeds.SlotsMax(snapshot.Id, model) - running);
        if (running == 0) return new(Math.Min(free, speed.Batch), 0, 0);
        var held = a.KvTokens + a.TokensDone;
        free = (int)Math.Min(free, Math.Max(0, speeds.KvTokens(snapshot.Id, model) - held) / Math.Max(1, held / running));
        if (free > 0 && !isFull) return new(free, 0, 0);
        var mean = a.OutputTokens / running;
        var variance = a.OutputVariance / running;
        var first = WaitingTime.FirstPlace(
            running, mean, variance, a.TokensDone, a.KvTokens / running * speed.PromptSeconds, StepsToFirstEnd(engine, view),
            in speed);
        return new(0, first, variance * speed.TokenSeconds * speed.TokenSeconds);
    }

    /// <summary>Until nobody is on it, if nobody joins [s].</summary>
    public double DrainSeconds(int engine, ClusterView view)
    {
        ref var a = ref _accounts[engine];
        var running = view.Engines[engine].Outstanding;
        if (running == 0) return 0;
        Carry(ref a, engine, view);
        return WaitingTime.Drain(
            running, a.OutputTokens / running, a.OutputVariance / running, a.TokensDone,
            speeds.Of(new(engine), view.Engines[engine].Model, view));
    }

    /// <summary>Reads the engines' reports: the exact progress of what runs, and Θ where an engine never lacked work.</summary>
    public void ReadReports(ClusterView view)
    {
        for (var v = 0; v < _accounts.Length; v++)
        {
            ref var a = ref _accounts[v];
            ref readonly var snapshot = ref view.Engines[v];
            var tokens = snapshot.OutputTokens;
            var seconds = Seconds(view.Now.Ticks - a.ReportedAt);
            if (snapshot.IsReady && a.BusySince <= a.ReportedAt && seconds >= LearnSeconds && tokens > a.ReportedTokens)
                speeds.Learn(snapshot.Id, snapshot.Model, tokens - a.ReportedTokens, a.PrefillSent, seconds, view);
            else if (seconds < LearnSeconds)
                continue;

            (a.ReportedAt, a.ReportedTokens, a.PrefillSent) = (view.Now.Ticks, tokens, 0);
            if (tokens == 0) continue; // It reports nothing.
            Carry(ref a, v, view);
            var done = Math.Max(0, tokens - a.TokensSettled);
            if (snapshot.Outstanding > 0) a.Clock += (done - a.TokensDone) / snapshot.Outstanding;
            a.TokensDone = done;
        }
    }

    /// <summary>Decode steps until the first of the running requests ends. Predicted lengths say it as far as they are
    /// certain; as far as they are not, the batch gives up a place every μ/B steps.</summary>
    private double StepsToFirstEnd(int engine, ClusterView view)
    {
        ref var a = ref _accounts[engine];
        if (a.FirstToEnd < 0)
            for (var entry = a.First; entry >= 0; entry = backlog[entry].Next)
                if (a.FirstToEnd < 0 || EndOf(entry) < EndOf(a.FirstToEnd)) a.FirstToEnd = entry;

        var running = view.Engines[engine].Outstanding;
        var mean = a.OutputTokens / running;
        var spread = Math.Min(1, a.OutputVariance / running / (mean * mean));
        return (1 - spread) * Math.Max(0, EndOf(a.FirstToEnd) - a.Clock) + mean / running;
    }

    /// <summary>On the engine's clock.</summary>
    private double EndOf(int entry) => backlog[entry].StartClock + backlog[entry].RemainingTokens;

    private void Carry(ref EngineAccount a, int engine, ClusterView view)
    {
        var seconds = Seconds(view.Now.Ticks - a.DoneAt);
        a.DoneAt = view.Now.Ticks;
        if (a.First < 0 || seconds == 0) return;
        var speed = speeds.Of(new(engine), view.Engines[engine].Model, view);
        var running = Math.Max(1, view.Engines[engine].Outstanding);
        var tokens = seconds * Math.Min(running / speed.StepSeconds, 1 / speed.TokenSeconds);
        a.TokensDone += tokens;
        a.Clock += tokens / running;
    }

    private static double Seconds(long ticks) => ticks / (double)TimeSpan.TicksPerSecond;
}
