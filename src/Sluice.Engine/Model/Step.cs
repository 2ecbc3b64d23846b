using Sluice.Core;

namespace Sluice.Engine;

/// <summary>One step's arithmetic, done by all threads together: a phase is split by the threads' numbers, and all meet
/// before the next phase reads what it wrote.</summary>
/// <remarks>What is computed for a row never depends on the other rows or on the split: every sum runs in one order, within
/// one thread.</remarks>
internal sealed unsafe partial class Step : ITeamWork, IDisposable
{
    private readonly ModelConfig _config;
    private readonly ModelWeights _weights;
    private readonly LayerPlan[] _layers;
    private readonly Projection _vocabulary;
    private readonly Rope _rope;
    private readonly KvStore _store;
    private readonly WorkerTeam _team;
    private readonly AttentionKernels _attention;
    private readonly MemberScratch[] _scratch;
    private readonly ExpertQueues? _queues;
    private StepBuffers _buffers;
    private int[] _outputRows = [];
    private int[] _outputPlaces = [];
    private int _outputCount;
    private ILayerGate? _gate;
    private ForwardBatch _batch = new();
    private float* _to;
    private bool _wantsHidden;

    public Step(ModelConfig config, ModelWeights weights, KvStore store, WorkerTeam team, TransformerOptions options, int contextMax)
    {
        (_config, _weights, _store, _team) = (config, weights, store, team);
        _layers = [.. weights.Layers.Select(l => new LayerPlan(l))];
        _vocabulary = new(weights.Vocabulary);
        _rope = new(config, weights.RopeFrequencies is { } factors ? factors.At : null);
        _attention = AttentionKernels.Of(options.KvType, options.InstructionSet);
        _scratch = new MemberScratch[team.Size];
        for (var i = 0; i < team.Size; i++) _scratch[i] = new(config, store, contextMax);
        _queues = config.Experts > 0 ? new(config.Experts, config.ExpertsUsed) : null;
        _buffers = new(config, 8);
        Resize(8);
    }

    /// <param name="to">Logits, or hidden states after the final norm, of the batch's output rows.</param>
    public void Compute(ForwardBatch batch, float* to, bool wantsHidden, ILayerGate? gate)
    {
        (_batch, _wantsHidden, _gate) = (batch, wantsHidden, gate);
        _to = to;
        Begin();
        _team.Run(this);
    }

    public void Run(int member)
    {
        Embed(member);
        _team.Meet();
        for (var l = 0; l < _layers.Length; l++)
        {
            var layer = _layers[l];
            if (_rows > 0) Attend(layer, l, member);
            if (_rows > 0 && layer.Router is not null) Route(layer, member);
            if (_gate is not null || _waiting > 0)
            {
                _team.Meet();
                if (member == 0) PassGate(l);
                _team.Meet();
            }

            if (_rows == 0) continue;
            if (layer.Router is null) FeedForward(layer, member);
            else RunExperts(layer, member);
        }

        if (_wantsHidden) WriteHidden(member);
        else WriteLogits(member);
    }

    public void Dispose()
    {
        _buffers.Dispose();
        foreach (var scratch in _scratch) scratch.Dispose();
    }

    private void Resize(int rows)
    {
        _buffers.Dispose();
        _buffers = new(_config, rows);
        (_outputRows, _outputPlaces) = (new int[_buffers.Rows], new int[_buffers.Rows]);
        _queues?.Resize(_buffers.Rows, _buffers.Positions);
    }

    private void Embed(int member)
    {
        var tokens = _batch.Tokens;
        var embeddings = _weights.Embeddings;
        for (var r = member; r < tokens.Length; r += _team.Size)
            WeightRows.Decode(embeddings.Type, embeddings.Data + tokens[r] * embeddings.RowBytes, _config.Dim,
                _buffers.Hidden + (long)r * _buffers.DimStride);

        foreach (var chunk in Active)
            for (var i = 0; i < chunk.Rows; i++)
                if ((chunk.FirstRow + i) % _team.Size == member) SetAngles(chunk.FirstRow + i, chunk.FirstPosition + i);
    }

    private void SetAngles(int row, int position) =>
        _rope.Angles(position, _buffers.Cos + (long)row * _rope.Pairs, _buffers.Sin + (long)row * _rope.Pairs);

    private void FeedForward(LayerPlan layer, int member)
    {
        var rows = _rows;
        var scratch = _scratch[member];
        var packed = Input(layer.GateUp[0], Hidden, layer.Weights.FeedForwardNorm.At, rows, default, member);
        var (first, end) = Share(layer.GateUp[0].Matrices[0].Panels, member);
        for (var p = first; p < end; p++) GateUp(layer.GateUp[0], packed, p, 0, rows, scratch);
        _team.Meet();

        packed = Input(layer.Down[0], Inner, null, rows, default, member);
        (first, end) = Share(layer.Down[0].Panels, member);
        for (var p = first; p < end; p++)
        {
            var panel = View(layer.Down[0], 0, p, rows, scratch.ExpandedA);
            for (var t = 0; t < PackedRows.Tiles(rows); t++)
                AddTo(Hidden, t * PackedRows.TileRowsMax, p, Product(panel, packed, 0, rows, t, scratch.ProductA), scratch.ProductA);
        }

        _team.Meet();
    }

    private void WriteHidden(int member)
    {
        for (var i = member; i < _outputCount; i += _team.Size)
        {
            var normed = _scratch[member].Normed;
            Lanes.RmsNorm(Hidden.Row(_outputRows[i]), _weights.FinalNorm.At, _config.Dim, _config.RmsEpsilon, normed);
            new ReadOnlySpan<float>(normed, _config.Dim).CopyTo(new(_to + (long)_outputPlaces[i] * _config.Dim, _config.Dim));
        }
    }

    private void WriteLogits(int member)
    {
        if (_outputCount == 0) return;
        var scratch = _scratch[member];
        var packed = Input(_vocabulary, Hidden, _weights.FinalNorm.At, _outputCount, _outputRows, member);
        var (first, end) = Share(_vocabulary.Panels, member);
        for (var p = first; p < end; p++)
        {
            var count = Math.Min(Panel.Rows, _config.Vocabulary - p * Panel.Rows);
            var panel = View(_vocabulary, 0, p, _outputCount, scratch.ExpandedA);
            for (var t = 0; t < PackedRows.Tiles(_outputCount); t++)
            {
                var held = Product(panel, packed, 0, _outputCount, t, scratch.ProductA);
                for (var r = 0; r < held; r++)
                {
                    var place = _outputPlaces[t * PackedRows.TileRowsMax + r];
                    var to = _to + (long)place * _config.Vocabulary + p * Panel.Rows;
                    new ReadOnlySpan<float>(scratch.ProductA + r * Panel.Rows, count).CopyTo(new(to, count));
                }
            }
        }
    }
}
