using Sluice.Core;

namespace Sluice.Policies;

/// <summary>How fast an engine gets through waiting work of one model while its batch is full.</summary>
/// <param name="TokenSeconds">Per output token of average requests: the paper's 1/Θ.</param>
/// <param name="PromptSeconds">Per token to prefill, beside the decodes.</param>
/// <param name="StepSeconds">One decode step of the full batch: a running request's time per token.</param>
/// <param name="LastSeconds">One decode step of what is left of a batch when few are left.</param>
/// <param name="Batch">Average requests in the full batch.</param>
/// <param name="Slots">Most requests in a batch.</param>
/// <param name="KvTokens">KV tokens that a batch holds.</param>
internal readonly record struct Throughput(
    double TokenSeconds, double PromptSeconds, double StepSeconds, double LastSeconds, int Batch, double Slots, double KvTokens)
{
    /// <summary>Time for some work: steps as places or KV are short, whichever is shorter, and prefill beside them.</summary>
    public double Seconds(in Work work) =>
        Math.Max(work.OutputTokens / Slots, work.KvSteps / KvTokens) * StepSeconds + work.PrefillTokens * PromptSeconds;

    /// <summary>Of that time [s²].</summary>
    public double Variance(in Work work)
    {
        var step2 = StepSeconds * StepSeconds;
        return work.OutputTokens / Slots > work.KvSteps / KvTokens
            ? work.OutputVariance / (Slots * Slots) * step2
            : work.KvVariance / (KvTokens * KvTokens) * step2;
    }

    /// <summary>The same within 5 %: what two engines of one kind learn from their own work.</summary>
    public bool IsAbout(in Throughput other) =>
        Math.Abs(TokenSeconds - other.TokenSeconds) <= 0.05 * other.TokenSeconds
        && Math.Abs(PromptSeconds - other.PromptSeconds) <= 0.05 * other.PromptSeconds;
}

/// <summary>Θ per engine and model: from the profile, at a full batch of the lengths seen so far, times what was observed
/// against it.</summary>
/// <remarks>
/// The batch is what slots and KV hold of average requests. Whoever looks at a batch finds more of the long answers, so they
/// hold P + O(1 + c²)/2 tokens, c² = σ²/μ² of the answers. A decode step of it and one with a
/// chunk of prompt beside it give the two rates. Both are multiplied by how much longer than that the engine took for the
/// tokens it computed: busy time over predicted time, each fading over a minute of it, with five seconds of the profile
/// to begin with. Intervals in which the engine lacked work teach nothing.
/// Source: the QLM paper measures one constant Θ per model and device offline.
/// </remarks>
internal sealed class Throughputs(FleetInfo? fleet)
{
    /// <summary>Without a profile: 1,000 tokens/s in a batch of 32, until observed.</summary>
    private static readonly Throughput s_unknown = new(0.001, 0.00005, 0.032, 0.032, 32, 32, double.MaxValue);

    /// <summary>Busy time over which what was learned fades, and what the profile is worth of it [s].</summary>
    private const double FadeSeconds = 60, PriorSeconds = 5;

    /// <summary>What an engine may be off its profile, and off one that was only assumed: on two cores a model takes many times as
    /// long as on a GPU.</summary>
    private const double SlownessMax = 5, AssumedSlownessMax = 25;

    /// <summary>An average batch hardly changes; it is used so often before it is computed again.</summary>
    private const int BatchUses = 256;

    private readonly List<Lengths> _lengths = [];
    private readonly List<(double Batch, int Uses)> _batches = [];
    private Throughput[] _known = []; // as the profile says
    private (double Busy, double Predicted)[] _slowness = [];
    private (double Prompt, double Held)[] _madeFor = [];
    private int _models;

    /// <summary>Running means of a model's requests; Squares is that of the squared answer.</summary>
    private record struct Lengths(long Count, double Prompt, double Output, double Squares);

    /// <summary>Requests of one model in an average batch over the engines that can run it; looked up anew now and
    /// then.</summary>
    public double BatchOf(ModelId model, ClusterView view)
    {
        while (_batches.Count <= model.Index) _batches.Add(default);
        var (batch, uses) = _batches[model.Index];
        if (uses == 0) (batch, uses) = (AverageBatch(model, view), BatchUses);
        _batches[model.Index] = (batch, uses - 1);
        return batch;
    }

    private double AverageBatch(ModelId model, ClusterView view)
    {
        var (sum, count) = (0.0, 0);
        for (var v = 0; v < view.Engines.Length; v++)
        {
            if (!CanRun(new(v), model, view)) continue;
            sum += Of(new(v), model, view).Batch;
            count++;
        }

        return count == 0 ? 1 : sum / count;
    }

    /// <summary>Of what comes for a model, the part for one of the engines that have it loaded, by their speed: 0 to 1.
    /// O(engines).</summary>
    public double ShareOf(EngineId engine, ModelId model, ClusterView view)
    {
        var sum = 0.0;
        for (var v = 0; v < view.Engines.Length; v++)
            if (v == engine.Index || (view.Engines[v].Model == model && view.Engines[v].IsReady))
                sum += 1 / Of(new(v), model, view).TokenSeconds;
        return 1 / (Of(engine, model, view).TokenSeconds * sum);
    }

    public bool CanRun(EngineId engine, ModelId model, ClusterView view) => fleet is null
        ? view.Engines[engine.Index].Model == model
        : model.Index < fleet.Models && fleet[engine, model] is not null && view.Engines[engine.Index].CanLoad(model);

    /// <summary>Seconds to load a model, by where its weights are.</summary>
    public double LoadSeconds(EngineId engine, ModelId model, ClusterView view)
    {
        if (fleet?[engine, model] is not { } on) return 0;
        var isWarm = (view.Engines[engine.Index].WarmModels >> model.Index & 1) != 0;
        return (isWarm ? on.WarmLoad : on.ColdLoad).TotalSeconds;
    }

    /// <summary>Requests that fit into its batch at once; without a profile 256, vLLM's default.</summary>
    public int SlotsMax(EngineId engine, ModelId model) => fleet?[engine, model]?.SequencesMax ?? 256;

    /// <summary>Moving one KV token of the model to host memory or back [s].</summary>
    public double HostSeconds(EngineId engine, ModelId model) => fleet?[engine, model]?.HostSeconds ?? 0;

    /// <summary>KV tokens the engine holds with the model.</summary>
    public double KvTokens(EngineId engine, ModelId model) => fleet?[engine, model]?.KvTokens ?? double.MaxValue;

    /// <summary>A request's lengths join the running means of its model; old ones fade over about 1,000.</summary>
    public void Observe(ModelId model, double promptTokens, double outputTokens)
    {
        while (_lengths.Count <= model.Index) _lengths.Add(default);
        var (count, prompt, output, squares) = _lengths[model.Index];
        count = Math.Min(count + 1, 1000);
        _lengths[model.Index] = new(
            count, prompt + (promptTokens - prompt) / count, output + (outputTokens - output) / count,
            squares + (outputTokens * outputTokens - squares) / count);
    }

    /// <summary>Mean output of the model's requests so far, and its standard deviation.</summary>
    public (double Mean, double Deviation) OutputTokensOf(ModelId model)
    {
        if (model.Index >= _lengths.Count) return (0, 0);
        var lengths = _lengths[model.Index];
        return (lengths.Output, Math.Sqrt(Math.Max(0, lengths.Squares - lengths.Output * lengths.Output)));
    }

    /// <summary>Until requests of a model have ended, what is predicted of those that came stands for them.</summary>
    public void ObserveFirst(ModelId model, double promptTokens, double outputTokens)
    {
        if (model.Index >= _lengths.Count || _lengths[model.Index].Count < 10) Observe(model, promptTokens, outputTokens);
    }

    /// <summary>An engine that never lacked work computed so much in this time.</summary>
    public void Learn(EngineId engine, ModelId model, double outputTokens, double prefillTokens, double seconds, ClusterView view)
    {
        var profile = FromProfile(engine, model, view);
        var predicted = outputTokens * profile.TokenSeconds + prefillTokens * profile.PromptSeconds;
        ref var s = ref _slowness[engine.Index * _models + model.Index];
        var kept = Math.Exp(-seconds / FadeSeconds);
        s = (s.Busy * kept + seconds, s.Predicted * kept + predicted);
    }

    public bool IsAssumed(EngineId engine, ModelId model) =>
        fleet is not null && model.Index < fleet.Models && fleet[engine, model] is { IsAssumed: true };

    public Throughput Of(EngineId engine, ModelId model, ClusterView view)
    {
        var profile = FromProfile(engine, model, view);
        var (busy, predicted) = _slowness[engine.Index * _models + model.Index];
        var most = IsAssumed(engine, model) ? AssumedSlownessMax : SlownessMax;
        var slower = Math.Clamp(busy / predicted, 1 / most, most);
        return profile with
        {
            TokenSeconds = profile.TokenSeconds * slower, PromptSeconds = profile.PromptSeconds * slower,
            StepSeconds = profile.StepSeconds * slower, LastSeconds = profile.LastSeconds * slower,
        };
    }

    private Throughput FromProfile(EngineId engine, ModelId model, ClusterView view)
    {
        EnsureRoom(model, view);
        var at = engine.Index * _models + model.Index;
        while (_lengths.Count <= model.Index) _lengths.Add(default);
        var lengths = _lengths[model.Index];
        var prompt = Math.Max(1, lengths.Prompt);
        var held = Math.Max(1, prompt + lengths.Squares / Math.Max(1, lengths.Output) / 2);
        if (!IsNear(_madeFor[at].Prompt, prompt) || !IsNear(_madeFor[at].Held, held))
        {
            _known[at] = Make(engine, model, prompt, held, view.Engines[engine.Index].OutstandingMax);
            _madeFor[at] = (prompt, held);
        }

        return _known[at];
    }

    private Throughput Make(EngineId engine, ModelId model, double prompt, double held, int outstandingMax)
    {
        if (fleet is null || model.Index >= fleet.Models || fleet[engine, model] is not { } on) return s_unknown;

        var slots = Math.Min(on.SequencesMax, outstandingMax);
        var batch = (int)Math.Clamp(on.KvTokens / held, 1, slots);
        var decodes = new BatchShape { DecodeSequences = batch, ContextTokens = (long)(batch * held) };
        var chunk = (int)Math.Clamp(prompt, 1, Math.Max(1, on.TokenBudget - batch));
        var mixed = decodes with { PrefillTokens = chunk, AttentionPairsTwice = (long)chunk * chunk };
        var step = Seconds(on.StepTime.StepTime(in decodes));
        var withChunk = Seconds(on.StepTime.StepTime(in mixed));
        var few = Math.Max(1, batch / 8);
        var last = Seconds(on.StepTime.StepTime(new() { DecodeSequences = few, ContextTokens = (long)(few * held) }));
        return new(step / batch, (withChunk - step) / chunk, step, last, batch, slots, Math.Max(1, on.KvTokens));
    }

    private void EnsureRoom(ModelId model, ClusterView view)
    {
        if (_known.Length > 0 && model.Index < _models) return;
        var models = Math.Max(Math.Max(fleet?.Models ?? 1, model.Index + 1), _models * 2);
        var slowness = new (double, double)[view.Engines.Length * models];
        Array.Fill(slowness, (PriorSeconds, PriorSeconds));
        for (var v = 0; v < view.Engines.Length && _models > 0; v++)
            Array.Copy(_slowness, v * _models, slowness, v * models, _models);
        (_models, _slowness) = (models, slowness);
        _known = new Throughput[slowness.Length];
        _madeFor = new (double, double)[slowness.Length];
    }

    private static bool IsNear(double a, double b) => Math.Abs(a - b) <= 0.01 * b;
    private static double Seconds(long femtoseconds) => femtoseconds * 1e-15;
}
