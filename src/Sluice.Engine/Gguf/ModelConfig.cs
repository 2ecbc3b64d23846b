using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Which elements of a head rotary embedding turns together.</summary>
public enum RopeStyle
{
    /// <summary>2i and 2i+1 (architecture <c>llama</c>).</summary>
    Neighbours,

    /// <summary>i and i + half (architectures <c>qwen2</c> and <c>qwen3</c>).</summary>
    Halves,
}

/// <summary>How a sequence's hidden states become one vector for embeddings, by the number in the file.</summary>
public enum Pooling { None = 0, Mean = 1, First = 2, Last = 3 }

/// <summary>Hyperparameters of a decoder-only transformer, the same for every architecture; which parts it has is said by
/// flags, so that whoever computes never asks for an architecture's name.</summary>
/// <remarks>Source of keys and tensor names: the GGUF specification. What the engine would compute wrongly is refused here, by
/// the name of what is missing.</remarks>
public sealed record ModelConfig
{
    private const int SizeMax = 1 << 24;

    public static IReadOnlyList<string> Architectures { get; } = ["llama", "qwen2", "qwen3"];

    /// <summary><c>general.architecture</c>, for display.</summary>
    public required string Architecture { get; init; }

    /// <summary><c>general.name</c>, or the file's name.</summary>
    public required string Name { get; init; }

    /// <summary>Tokens known: rows of <c>token_embd.weight</c>.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>Positions the model was made for.</summary>
    public required int ContextMax { get; init; }

    public required int Layers { get; init; }
    public required int Dim { get; init; }
    public required int Heads { get; init; }

    /// <summary>Query head h reads KV head h / (Heads / KvHeads).</summary>
    public required int KvHeads { get; init; }

    /// <summary>Elements of one head of q, k and v; Heads × HeadDim may differ from Dim.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Inner width of the feed-forward part, or of one expert.</summary>
    public required int FeedForward { get; init; }

    /// <summary>0 where the feed-forward part is dense.</summary>
    public required int Experts { get; init; }

    /// <summary>Experts per token. Their weights are the softmax over all experts, made to sum to one over those
    /// chosen.</summary>
    public required int ExpertsUsed { get; init; }

    public required float RmsEpsilon { get; init; }
    public required RopeStyle Rope { get; init; }
    public required float RopeBase { get; init; }

    /// <summary>Elements of a head that are turned, from the front; even.</summary>
    public required int RopeDimensions { get; init; }

    /// <summary>Positions are divided by it before turning (linear scaling); 1 for none.</summary>
    public required float RopeDivisor { get; init; }

    /// <summary><c>rope_freqs.weight</c> [RopeDimensions / 2] divides the inverse frequencies (Llama 3).</summary>
    public required bool HasRopeFrequencies { get; init; }

    /// <summary><c>attn_q.bias</c>, <c>attn_k.bias</c> and <c>attn_v.bias</c> are added.</summary>
    public required bool HasAttentionBias { get; init; }

    /// <summary>Every head of q and k is normalised (RMS, <c>attn_q_norm</c>, <c>attn_k_norm</c>) before turning.</summary>
    public required bool HasHeadNorm { get; init; }

    /// <summary>No <c>output.weight</c>: the embeddings are used again.</summary>
    public required bool HasTiedEmbeddings { get; init; }

    public required Pooling Pooling { get; init; }

    public int QueryWidth => Heads * HeadDim;
    public int KvWidth => KvHeads * HeadDim;

    /// <exception cref="InputException">A key is missing or wrong, or the model needs what the engine has not.</exception>
    public static ModelConfig Read(GgufFile file)
    {
        var meta = file.Metadata;
        var architecture = meta.Text("general.architecture");
        if (!Architectures.Contains(architecture))
            throw new InputException($"{file.Path}: the architecture '{architecture}' is not supported; expected one of "
                + $"{string.Join(", ", Architectures)}.");

        string Key(string name) => $"{architecture}.{name}";
        int Size(string name) => (int)meta.WholeNumber(Key(name), 1, SizeMax);

        var embeddings = file.Find("token_embd.weight")
            ?? throw new InputException($"{file.Path}: tensor 'token_embd.weight' is missing; expected the token embeddings.");
        var heads = PerLayer(file, Key("attention.head_count"), otherwise: null);
        var dim = Size("embedding_length");
        var headDim = (int)meta.WholeNumber(Key("attention.key_length"), 1, SizeMax, Math.Max(1, dim / heads));
        var experts = (int)meta.WholeNumber(Key("expert_count"), 0, 4096, 0);
        var feedForward = PerLayer(file, Key("feed_forward_length"), otherwise: null);
        var config = new ModelConfig
        {
            Architecture = architecture,
            Name = meta.FindText("general.name") ?? Path.GetFileNameWithoutExtension(file.Path),
            Vocabulary = (int)embeddings.Dimension(1),
            ContextMax = (int)meta.WholeNumber(Key("context_length"), 1, int.MaxValue),
            Layers = (int)meta.WholeNumber(Key("block_count"), 1, 4096),
            Dim = dim,
            Heads = heads,
            KvHeads = PerLayer(file, Key("attention.head_count_kv"), heads),
            HeadDim = headDim,
            FeedForward = experts == 0
                ? feedForward
                : (int)meta.WholeNumber(Key("expert_feed_forward_length"), 1, SizeMax, feedForward),
            Experts = experts,
            ExpertsUsed = experts == 0 ? 0 : (int)meta.WholeNumber(Key("expert_used_count"), 1, experts),
            RmsEpsilon = (float)meta.Number(Key("attention.layer_norm_rms_epsilon"), 0, 1),
            Rope = architecture == "llama" ? RopeStyle.Neighbours : RopeStyle.Halves,
            RopeBase = (float)meta.Number(Key("rope.freq_base"), 1, 1e12, 10000),
            RopeDimensions = (int)meta.WholeNumber(Key("rope.dimension_count"), 2, headDim, headDim),
            RopeDivisor = ReadRopeDivisor(file, architecture),
            HasRopeFrequencies = file.Find("rope_freqs.weight") is not null,
            HasAttentionBias = file.Find("blk.0.attn_q.bias") is not null,
            HasHeadNorm = file.Find("blk.0.attn_q_norm.weight") is not null,
            HasTiedEmbeddings = file.Find("output.weight") is null,
            Pooling = (Pooling)meta.WholeNumber(Key("pooling_type"), 0, 3, 0),
        };
        config.CheckAgainst(file, Key);
        return config;
    }

    private void CheckAgainst(GgufFile file, Func<string, string> key)
    {
        var meta = file.Metadata;
        if (Heads % KvHeads != 0)
            throw meta.OutOfRange(key("attention.head_count_kv"), $"{KvHeads}", $"a divisor of the {Heads} heads");
        if (!meta.Has(key("attention.key_length")) && Dim % Heads != 0)
            throw meta.OutOfRange(key("attention.head_count"), $"{Heads}", $"a divisor of the {Dim} dimensions");
        if ((long)Heads * HeadDim > SizeMax)
            throw meta.OutOfRange(key("attention.key_length"), $"{HeadDim}", $"at most {SizeMax / Heads} for {Heads} heads");
        if (RopeDimensions % 2 != 0) throw meta.OutOfRange(key("rope.dimension_count"), $"{RopeDimensions}", "an even number");
        if (meta.WholeNumber(key("attention.value_length"), 1, SizeMax, HeadDim) is var value && value != HeadDim)
            throw meta.OutOfRange(key("attention.value_length"), $"{value}", $"{HeadDim}, as the keys have");
        file.Tensor("token_embd.weight", Dim, Vocabulary);

        // A layer too few would fail by name when its tensors are asked for; a layer too many would be left out silently.
        if (file.Find($"blk.{Layers}.attn_norm.weight") is not null)
            throw meta.OutOfRange(key("block_count"), $"{Layers}", $"more, since there is a tensor 'blk.{Layers}.attn_norm.weight'");
    }

    /// <summary>A number that may also be an array with one element per layer, then all the same.</summary>
    private static int PerLayer(GgufFile file, string key, int? otherwise)
    {
        var meta = file.Metadata;
        if (!meta.TryGet(key, out var value) || value.Type != GgufValueType.Array)
            return (int)(otherwise is { } missing ? meta.WholeNumber(key, 1, SizeMax, missing) : meta.WholeNumber(key, 1, SizeMax));

        var numbers = meta.FindIntegers(key)!;
        return numbers is [> 0 and <= SizeMax and var first, ..] && Array.TrueForAll(numbers, n => n == first)
            ? first
            : throw meta.OutOfRange(key, "an array of different numbers", "the same for every layer");
    }

    private static float ReadRopeDivisor(GgufFile file, string architecture)
    {
        var meta = file.Metadata;
        var typeKey = $"{architecture}.rope.scaling.type";
        switch (meta.FindText(typeKey))
        {
            case "linear":
                return (float)meta.Number($"{architecture}.rope.scaling.factor", 1e-3, 1e6);
            case null:
                // Files from before there was a type.
                return (float)meta.Number($"{architecture}.rope.scale_linear", 1e-3, 1e6, 1);
            case "none":
                return 1;
            case var type:
                throw meta.OutOfRange(typeKey, $"'{type}', which the engine does not compute", "'none' or 'linear'");
        }
    }
}
