namespace Sluice.Engine;

/// <summary>One sequence's rows, stopped inside a layer: after its attention and router, before its feed-forward part.</summary>
/// <remarks>Keys and values up to that layer are in the sequence's blocks, which must be kept. A sequence that goes on computes
/// nothing twice, and its logits are the same bits as if it had not been held.</remarks>
public sealed class HeldRows
{
    internal HeldRows(int layer, in ForwardChunk chunk, float[] hidden, float[] scores)
    {
        (Layer, Rows, FirstPosition, LogitRows) = (layer, chunk.Rows, chunk.FirstPosition, chunk.LogitRows);
        (Hidden, Scores) = (hidden, scores);
    }

    public int Layer { get; }
    public int Rows { get; }
    public int FirstPosition { get; }
    public int LogitRows { get; }

    /// <summary>Row by row: the residual stream, and the router's scores, of which the choice of experts follows.</summary>
    internal float[] Hidden { get; }
    internal float[] Scores { get; }

    /// <summary>Memory that it takes besides its blocks.</summary>
    public long Bytes => sizeof(float) * (Hidden.LongLength + Scores.LongLength);
}

/// <summary>A model whose steps can be left and joined between layers.</summary>
public interface ILayerwise
{
    /// <summary>As <see cref="ITransformer.Forward"/>, but asks the gate in every layer. The batch may also hold sequences that
    /// go on.</summary>
    void Forward(ForwardBatch batch, Span<float> logits, ILayerGate? gate);
}

/// <summary>Decides inside a step which sequences stop, so that others need not wait for the end of an iteration.</summary>
/// <remarks>Source of the idea: QLLM (EuroMLSys 2025), which preempts between router and experts. Called by the thread that
/// computes the step, while the others wait: it must be quick.</remarks>
public interface ILayerGate
{
    /// <summary>Whether a sequence stops here.</summary>
    /// <param name="layer">The layer whose feed-forward part is next.</param>
    /// <param name="chunk">Index in the batch.</param>
    bool Holds(int layer, int chunk);

    /// <summary>Takes what a sequence goes on from; its rows of logits are left as they were.</summary>
    void Take(int chunk, HeldRows held);
}
