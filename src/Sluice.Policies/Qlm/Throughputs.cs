using Sluice.Core;

namespace Sluice.Policies;

/// <summary>How fast an engine gets through waiting work of one model while its batch is full.</summary>
/// <param name="TokenSeconds">Per output token: the paper's 1/Θ.</param>
/// <param name="PromptSeconds">Per token to prefill, beside the decodes.</param>
/// <param name="StepSeconds">One decode step of the full batch: a running request's time per token.</param>
/// <param name="Batch">Requests in the full batch.</param>
internal readonly record struct Throughput(double TokenSeconds, double PromptSeconds, double StepSeconds, int Batch)
{
    public double Seconds(double outputTokens, double prefillTokens) => outputTokens * TokenSeconds + prefillTokens * PromptSeconds;
}

/// <summary>Θ per engine and model: from the profile, at a full batch of the lengths seen so far, times what was observed
/// against it.</summary>
/// <remarks>
/// The batch is what slots and KV hold of requests that are, on average, half done. A decode step of it and one with a
/// chunk of prompt beside it give the two rates. The factor is a running mean of observed over predicted output rate, over
/// intervals in which the engine never lacked work.
/// Source: the QLM paper measures one constant Θ per model and device offline.
/// </remarks>
internal sealed class Throughputs(FleetInfo? fleet)
{
    /// <summary>Without a profile: 1,000 tokens/s in a batch of 32, until observed.</summary>
    private static readonly Throughput s_unknown = new(0.001, 0.00005, 0.032, 32);

    private readonly List<(long Count, double Prompt, double Output)> _lengths = [];
    private Throughput[] _known = [];
    private double[] _factors = [];
    private (double Prompt, double Output)[] _madeFor = [];
    private int _models;

    /// <summary>Requests of one model in an average batch over the engines that can run it.</summary>
    public double BatchOf(ModelId model, ClusterView view)
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

    public bool CanRun(EngineId engine, ModelId model, ClusterView view) => fleet is null
        ? view.Engines[engine.Index].Model == model
        : model.Index < fleet.Models && fleet[engine, model] is not null;

    /// <summary>Seconds to load a model, by where its weights are.</summary>
    public double LoadSeconds(EngineId engine, ModelId model, ClusterView view)
    {
        if (fleet?[engine, model] is not { } on) return 0;
        var isWarm = (view.Engines[engine.Index].WarmModels >> model.Index & 1) != 0;
        return (isWarm ? on.WarmLoad : on.ColdLoad).TotalSeconds;
    }

    /// <summary>Requests that fit into its batch at once; without a profile 256, vLLM's default.</summary>
    public int SlotsMax(EngineId engine, ModelId model) => fleet?[engine, model]?.SequencesMax ?? 256;

    /// <summary>KV tokens the engine holds with the model.</summary>
    public double KvTokens(EngineId engine, ModelId model) => fleet?[engine, model]?.KvTokens ?? double.MaxValue;

    /// <summary>A request's lengths join the running means of its model; old ones fade over about 1,000.</summary>
    public void Observe(ModelId model, double promptTokens, double outputTokens)
    {
        while (_lengths.Count <= model.Index) _lengths.Add(default);
        var (count, prompt, output) = _lengths[model.Index];
        count = Math.Min(count + 1, 1000);
        _lengths[model.Index] = (count, prompt + (promptTokens - prompt) / count, output + (outputTokens - output) / count);
    }

    /// <summary>Mean output of the model's requests so far.</summary>
    public double OutputTokensOf(ModelId model) => model.Index < _lengths.Count ? _lengths[model.Index].Output : 0;

    /// <summary>Until requests of a model have ended, what is predicted of those that came stands for them.</summary>
    public void ObserveFirst(ModelId model, double promptTokens, double outputTokens)
    {
        if (model.Index >= _lengths.Count || _lengths[model.Index].Count < 10) Observe(model, promptTokens, outputTokens);
    }

    /// <summary>An engine that never lacked work produced <paramref name="outputTokens"/> in this time.</summary>
    public void Learn(EngineId engine, ModelId model, double outputTokens, double seconds, ClusterView view)
    {
        var now = Of(engine, model, view);
        var (_, prompt, output) = _lengths[model.Index];
        var predicted = seconds * output / now.Seconds(output, prompt);
        ref var factor = ref _factors[engine.Index * _models + model.Index];
        factor = Math.Clamp(factor * Math.Pow(outputTokens / predicted, 0.3), 0.2, 5);
        _madeFor[engine.Index * _models + model.Index] = default; // Make it anew.
    }

    public Throughput Of(EngineId engine, ModelId model, ClusterView view)
    {
        EnsureRoom(model, view);
        var at = engine.Index * _models + model.Index;
        while (_lengths.Count <= model.Index) _lengths.Add(default);
        var (_, prompt, output) = _lengths[model.Index];
        (prompt, output) = (Math.Max(1, prompt), Math.Max(1, output));
        if (!IsNear(_madeFor[at].Prompt, prompt) || !IsNear(_madeFor[at].Output, output))
        {
            _known[at] = Make(engine, model, prompt, output, view.Engines[engine.Index].OutstandingMax, Rounded(_factors[at]));
            _madeFor[at] = (prompt, output);
        }

        return _known[at];
    }

    private Throughput Make(EngineId engine, ModelId model, double prompt, double output, int outstandingMax, double factor)
    {
        if (fleet is null || model.Index >= fleet.Models || fleet[engine, model] is not { } on)
            return s_unknown with { TokenSeconds = s_unknown.TokenSeconds / factor, PromptSeconds = s_unknown.PromptSeconds / factor };

        var held = prompt + output / 2;
        var batch = (int)Math.Clamp(on.KvTokens / held, 1, Math.Min(on.SequencesMax, outstandingMax));
        var decodes = new BatchShape { DecodeSequences = batch, ContextTokens = (long)(batch * held) };
        var chunk = (int)Math.Clamp(prompt, 1, Math.Max(1, on.TokenBudget - batch));
        var mixed = decodes with { PrefillTokens = chunk, AttentionPairsTwice = (long)chunk * chunk };
        var step = Seconds(on.StepTime.StepTime(in decodes));
        var withChunk = Seconds(on.StepTime.StepTime(in mixed));
        return new(step / batch / factor, (withChunk - step) / chunk / factor, step / factor, batch);
    }

    private void EnsureRoom(ModelId model, ClusterView view)
    {
        if (_known.Length > 0 && model.Index < _models) return;
        var models = Math.Max(Math.Max(fleet?.Models ?? 1, model.Index + 1), _models * 2);
        var factors = new double[view.Engines.Length * models];
        Array.Fill(factors, 1);
        for (var v = 0; v < view.Engines.Length && _models > 0; v++)
            Array.Copy(_factors, v * _models, factors, v * models, _models);
        (_models, _factors) = (models, factors);
        _known = new Throughput[factors.Length];
        _madeFor = new (double, double)[factors.Length];
    }

    /// <summary>To steps of 5 %, so that engines that are alike stay alike to the planner.</summary>
    private static double Rounded(double factor) => Math.Exp(Math.Round(Math.Log(factor) / 0.05) * 0.05);

    private static bool IsNear(double a, double b) => Math.Abs(a - b) <= 0.05 * b;
    private static double Seconds(long femtoseconds) => femtoseconds * 1e-15;
}
