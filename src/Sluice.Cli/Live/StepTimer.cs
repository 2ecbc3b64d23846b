using System.Diagnostics;
using Sluice.Core;
using Sluice.Engine;

namespace Sluice.Cli;

/// <summary>Times steps of a model as its engine takes them: forward pass and choice of every token. What stands in the KV does
/// not matter to the time; while it works, the model's loop must hold nothing.</summary>
internal sealed class StepTimer
{
    private readonly ITransformer _model;
    private readonly IReadOnlyList<StepShape> _shapes;
    private readonly List<double>[] _times;
    private readonly ForwardBatch _batch = new();
    private readonly SamplingChooser _chooser;
    private readonly float[] _logits;
    private readonly int[] _tokens;

    public StepTimer(OpenModel model, IReadOnlyList<StepShape> shapes)
    {
        (_model, _shapes) = (model.Transformer, shapes);
        _times = [.. shapes.Select(_ => new List<double>())];
        _chooser = new SamplingChooser(model.Text.Tokenizer, SamplingOptions.Greedy, givesText: false);
        _logits = new float[(long)_model.Vocabulary * (1 + shapes.Max(s => s.Decodes))];
        var rng = new Rng(1);
        _tokens = [.. Enumerable.Range(0, shapes.Max(s => Math.Max(1, s.Prefill))).Select(_ => rng.Next(_model.Vocabulary))];
    }

    public int Rounds { get; private set; }

    /// <summary>A round that does not count: code is compiled, memory touched for the first time.</summary>
    public void Warm(CancellationToken stop)
    {
        Round(stop);
        Round(stop);
        foreach (var times in _times) times.Clear();
        Rounds = 0;
    }

    /// <summary>One repetition of every shape in turn, so that whatever disturbs the machine for a while disturbs all of them. Steps
    /// without a prompt mostly follow one of their own shape, so they do here.</summary>
    public void Round(CancellationToken stop)
    {
        for (var i = 0; i < _shapes.Count; i++)
        {
            stop.ThrowIfCancellationRequested();
            Lay(_shapes[i]);
            if (_shapes[i].Prefill == 0) Step();
            var begin = Stopwatch.GetTimestamp();
            Step();
            _times[i].Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
        }

        Rounds++;
    }

    /// <summary>Median of each shape, times what all of them together took beyond their medians. Moments in which somebody else
    /// had the processor count, as an engine meets them as well, but not against the shape that happened to be timed.</summary>
    /// <param name="besides">What a step takes besides [ms].</param>
    public IReadOnlyList<StepSample> Samples(double besides = 0)
    {
        double[] medians = [.. _times.Select(MedianOf)];
        var disturbed = _times.Sum(times => times.Average()) / medians.Sum();
        return [.. _shapes.Select((shape, i) => new StepSample(shape, medians[i] * disturbed + besides))];
    }

    private static double MedianOf(List<double> times)
    {
        double[] sorted = [.. times.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private void Lay(StepShape shape)
    {
        _batch.Clear();
        var next = 0;
        for (var i = 0; i < shape.Decodes; i++)
            _batch.Add(_tokens.AsSpan(i % _tokens.Length, 1), shape.Context - 1, Blocks(shape.Context, ref next), logitRows: 1);
        if (shape.Prefill > 0)
            _batch.Add(
                _tokens.AsSpan(0, shape.Prefill), shape.Before, Blocks(shape.Before + shape.Prefill, ref next), logitRows: 1);
    }

    /// <summary>Blocks of their own for every sequence, as long as there are.</summary>
    private int[] Blocks(int tokens, ref int next)
    {
        var blocks = new int[KvBlocks.For(tokens, _model.BlockTokens)];
        for (var i = 0; i < blocks.Length; i++) blocks[i] = next++ % _model.TotalBlocks;
        return blocks;
    }

    private void Step()
    {
        var logits = _logits.AsSpan(0, _batch.LogitRows * _model.Vocabulary);
        _model.Forward(_batch, logits);
        for (var row = 0; row < _batch.LogitRows; row++)
            _chooser.Choose(logits.Slice(row * _model.Vocabulary, _model.Vocabulary), _tokens.AsSpan(0, 1), 1);
    }
}
