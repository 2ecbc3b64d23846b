using Sluice.Core;

namespace Sluice.Engine;

/// <summary>A row of floats beside the matrices: a norm's weights, a bias; padded with zeros to whole panels.</summary>
internal sealed unsafe class WeightVector : IDisposable
{
    private readonly AlignedMemory _memory;

    public WeightVector(GgufTensor tensor)
    {
        var count = checked((int)tensor.Elements);
        _memory = new((long)(count + Panel.Rows - 1) / Panel.Rows * Panel.Rows * sizeof(float));
        WeightRows.Decode(tensor.Type, tensor.Data, count, _memory.Floats);
    }

    public float* At => _memory.Floats;

    public void Dispose() => _memory.Dispose();
}

/// <summary>One layer's weights. What the model has not is null.</summary>
internal sealed class LayerWeights
{
    public required WeightVector AttentionNorm { get; init; }
    public required PackedMatrix Query { get; init; }
    public required PackedMatrix Key { get; init; }
    public required PackedMatrix Value { get; init; }
    public required WeightVector? QueryBias { get; init; }
    public required WeightVector? KeyBias { get; init; }
    public required WeightVector? ValueBias { get; init; }
    public required WeightVector? QueryNorm { get; init; }
    public required WeightVector? KeyNorm { get; init; }
    public required PackedMatrix Output { get; init; }
    public required WeightVector FeedForwardNorm { get; init; }

    /// <summary>Null where the feed-forward part is dense.</summary>
    public required PackedMatrix? Router { get; init; }

    /// <summary>One per expert; one where the feed-forward part is dense.</summary>
    public required PackedMatrix[] Gate { get; init; }
    public required PackedMatrix[] Up { get; init; }
    public required PackedMatrix[] Down { get; init; }
}

/// <summary>All weights of a model, laid out for the kernels. The token embeddings stay in the file.</summary>
/// <remarks>Every tensor of the file must be known: one that is left over would mean that something is computed without
/// it.</remarks>
internal sealed class ModelWeights : IDisposable
{
    private readonly GgufFile _file;
    private readonly InstructionSet _set;
    private readonly List<IDisposable> _owned = [];

    public ModelWeights(GgufFile file, ModelConfig config, InstructionSet set)
    {
        (_file, _set) = (file, set);
        try
        {
            Embeddings = _file.Tensor("token_embd.weight", config.Dim, config.Vocabulary);
            CheckAllKnown(config);
            Layers = new LayerWeights[config.Layers];
            for (var i = 0; i < config.Layers; i++) Layers[i] = ReadLayer(config, $"blk.{i}.");
            FinalNorm = Vector("output_norm.weight", config.Dim);
            Vocabulary = config.HasTiedEmbeddings
                ? Own(PackedMatrix.Of(Embeddings, set))
                : Matrix("output.weight", config.Dim, config.Vocabulary);
            if (config.HasRopeFrequencies) RopeFrequencies = Vector("rope_freqs.weight", config.RopeDimensions / 2);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public GgufTensor Embeddings { get; }
    public LayerWeights[] Layers { get; }
    public WeightVector FinalNorm { get; }

    /// <summary>From hidden states to logits.</summary>
    public PackedMatrix Vocabulary { get; }

    public WeightVector? RopeFrequencies { get; }

    /// <summary>Bytes of all matrices.</summary>
    public long Bytes => _owned.OfType<PackedMatrix>().Sum(m => m.Bytes);

    public void Dispose()
    {
        foreach (var owned in _owned) owned.Dispose();
    }

    private LayerWeights ReadLayer(ModelConfig config, string layer)
    {
        var (dim, query, kv, inner) = (config.Dim, config.QueryWidth, config.KvWidth, config.FeedForward);
        var dense = config.Experts == 0;
        WeightVector? Bias(string name, int width) => config.HasAttentionBias ? Vector($"{layer}{name}.bias", width) : null;
        WeightVector? HeadNorm(string name) => config.HasHeadNorm ? Vector($"{layer}{name}.weight", config.HeadDim) : null;
        PackedMatrix[] FeedForward(string name, int inputs, int outputs) => dense
            ? [Matrix($"{layer}{name}.weight", inputs, outputs)]
            : Experts($"{layer}{name}_exps.weight", inputs, outputs, config.Experts);
        return new()
        {
            AttentionNorm = Vector($"{layer}attn_norm.weight", dim),
            Query = Matrix($"{layer}attn_q.weight", dim, query),
            Key = Matrix($"{layer}attn_k.weight", dim, kv),
            Value = Matrix($"{layer}attn_v.weight", dim, kv),
            QueryBias = Bias("attn_q", query),
            KeyBias = Bias("attn_k", kv),
            ValueBias = Bias("attn_v", kv),
            QueryNorm = HeadNorm("attn_q_norm"),
            KeyNorm = HeadNorm("attn_k_norm"),
            Output = Matrix($"{layer}attn_output.weight", query, dim),
            FeedForwardNorm = Vector($"{layer}ffn_norm.weight", dim),
            Router = dense ? null : Matrix($"{layer}ffn_gate_inp.weight", dim, config.Experts),
            Gate = FeedForward("ffn_gate", dim, inner),
            Up = FeedForward("ffn_up", dim, inner),
            Down = FeedForward("ffn_down", inner, dim),
        };
    }

    private WeightVector Vector(string name, int count) => Own(new WeightVector(_file.Tensor(name, count)));

    private PackedMatrix Matrix(string name, int inputs, int outputs) =>
        Own(PackedMatrix.Of(_file.Tensor(name, inputs, outputs), _set));

    private PackedMatrix[] Experts(string name, int inputs, int outputs, int experts)
    {
        var tensor = _file.Tensor(name, inputs, outputs, experts);
        var matrices = new PackedMatrix[experts];
        for (var e = 0; e < experts; e++) matrices[e] = Own(PackedMatrix.Of(tensor, _set, e));
        return matrices;
    }

    private T Own<T>(T resource)
        where T : IDisposable
    {
        _owned.Add(resource);
        return resource;
    }

    /// <summary>Names, before anything large is read.</summary>
    private void CheckAllKnown(ModelConfig config)
    {
        foreach (var tensor in _file.Tensors)
            if (!IsKnown(tensor.Name, config))
                throw new InputException($"{_file.Path}: the engine has no use for tensor '{tensor.Name}' {tensor.Shape} in the "
                    + $"architecture '{config.Architecture}', so it would compute something else than the model; expected only "
                    + "the tensors it knows.");
    }

    private static bool IsKnown(string name, ModelConfig config)
    {
        if (name is "token_embd.weight" or "output_norm.weight" or "output.weight" or "rope_freqs.weight") return true;
        if (!name.StartsWith("blk.", StringComparison.Ordinal)) return false;
        var dot = name.IndexOf('.', 4);
        if (dot < 0 || !int.TryParse(name.AsSpan(4, dot - 4), out var layer) || layer >= config.Layers) return false;
        return name[(dot + 1)..] switch
        {
            "attn_norm.weight" or "attn_q.weight" or "attn_k.weight" or "attn_v.weight" or "attn_output.weight"
                or "ffn_norm.weight" => true,
            "attn_q.bias" or "attn_k.bias" or "attn_v.bias" => config.HasAttentionBias,
            "attn_q_norm.weight" or "attn_k_norm.weight" => config.HasHeadNorm,
            "ffn_gate.weight" or "ffn_up.weight" or "ffn_down.weight" => config.Experts == 0,
            "ffn_gate_inp.weight" or "ffn_gate_exps.weight" or "ffn_up_exps.weight" or "ffn_down_exps.weight" => config.Experts > 0,
            _ => false,
        };
    }
}
