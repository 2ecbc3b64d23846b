using Sluice.Core;

namespace Sluice.Engine;

/// <summary>A model from a file, with its KV store: Llama, Qwen 2 and 3, and mixtures of experts.</summary>
/// <remarks>One caller at a time. Weights are copied into the kernels' layout when it is made, so it takes about the
/// file's size in memory besides the KV store; the file must stay open, since token embeddings are read from it.</remarks>
public sealed unsafe class Transformer : ITransformer, IHiddenStates, ILayerwise, IDisposable
{
    private readonly ModelWeights _weights;
    private readonly KvStore _store;
    private readonly WorkerTeam _team;
    private readonly Step _step;

    /// <exception cref="InputException">The file lacks a tensor, or has one that the engine has no use for.</exception>
    public Transformer(GgufFile file, ModelConfig config, TransformerOptions options)
    {
        options.Check();
        Config = config;
        _store = new(config, options.KvType, options.BlockTokens, options.TotalBlocks);
        var wanted = options.ContextMax == 0 ? config.ContextMax : Math.Min(options.ContextMax, config.ContextMax);
        ContextMax = (int)Math.Min(wanted, (long)options.TotalBlocks * options.BlockTokens);
        try
        {
            _weights = new(file, config, options.InstructionSet);
        }
        catch
        {
            _store.Dispose();
            throw;
        }

        _team = new(options.Threads);
        _step = new(config, _weights, _store, _team, options, ContextMax);
    }

    public ModelConfig Config { get; }
    public int Vocabulary => Config.Vocabulary;
    public int ContextMax { get; }
    public int BlockTokens => _store.BlockTokens;
    public int TotalBlocks => _store.TotalBlocks;
    public int BlockBytes => _store.BlockBytes;
    public int HiddenWidth => Config.Dim;

    /// <summary>Bytes of the weights in the kernels' layout.</summary>
    public long WeightBytes => _weights.Bytes;

    public void Forward(ForwardBatch batch, Span<float> logits) => Forward(batch, logits, null);

    public void Forward(ForwardBatch batch, Span<float> logits, ILayerGate? gate)
    {
        CheckBatch(batch, logits.Length, Vocabulary);
        fixed (float* to = logits) _step.Compute(batch, to, wantsHidden: false, gate);
    }

    public void ForwardHidden(ForwardBatch batch, Span<float> hidden)
    {
        CheckBatch(batch, hidden.Length, Config.Dim);
        fixed (float* to = hidden) _step.Compute(batch, to, wantsHidden: true, null);
    }

    public void CopyBlock(int from, int to) => _store.Copy(from, to);

    public void ExportBlock(int block, Span<byte> to) => _store.Block(block).CopyTo(to);

    public void ImportBlock(ReadOnlySpan<byte> from, int block)
    {
        Check.That(from.Length == BlockBytes);
        from.CopyTo(_store.Block(block));
    }

    public void Dispose()
    {
        _team.Dispose();
        _step.Dispose();
        _weights.Dispose();
        _store.Dispose();
    }

    /// <summary>Before any thread starts on it, since what follows trusts the batch.</summary>
    private void CheckBatch(ForwardBatch batch, int room, int width)
    {
        Check.That(batch.Chunks.Length > 0);
        foreach (var held in batch.Held) Check.That(held is null || held.Hidden.Length == held.Rows * Config.Dim);
        Check.That(room >= (long)batch.LogitRows * width);
        foreach (var token in batch.Tokens) Check.That((uint)token < (uint)Vocabulary);
        foreach (var chunk in batch.Chunks)
        {
            Check.That(chunk.Rows > 0 && chunk.FirstPosition >= 0 && chunk.LogitRows >= 0 && chunk.LogitRows <= chunk.Rows);
            Check.That(chunk.FirstPosition <= ContextMax - chunk.Rows);
            var blocks = chunk.Blocks.Span;
            Check.That((long)blocks.Length * BlockTokens >= chunk.FirstPosition + chunk.Rows);
            foreach (var block in blocks) Check.That((uint)block < (uint)TotalBlocks);
        }
    }
}
