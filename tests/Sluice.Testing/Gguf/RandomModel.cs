using Sluice.Core;
using Sluice.Engine;

namespace Sluice.Testing;

/// <summary>The shape of a model with random weights.</summary>
public sealed record RandomModel
{
    public string Architecture { get; init; } = "llama";
    public int Layers { get; init; } = 2;
    public int Dim { get; init; } = 256;
    public int Heads { get; init; } = 4;
    public int KvHeads { get; init; } = 2;

    /// <summary>0 for Dim / Heads.</summary>
    public int HeadDim { get; init; }

    public int FeedForward { get; init; } = 256;
    public int Vocabulary { get; init; } = 200;
    public int ContextMax { get; init; } = 512;
    public int Experts { get; init; }
    public int ExpertsUsed { get; init; } = 2;
    public bool TiedEmbeddings { get; init; }
    public ulong Seed { get; init; } = 1;

    /// <summary>By tensor name; vectors and the router are always F32.</summary>
    public Func<string, GgufTensorType> TypeOf { get; init; } = _ => GgufTensorType.F32;

    /// <summary>The shape that figures of other engines are known for: 124.7 million parameters.</summary>
    public static RandomModel Mid(Func<string, GgufTensorType> typeOf) => new()
    {
        Layers = 12, Dim = 768, Heads = 12, KvHeads = 4, FeedForward = 2048, Vocabulary = 32000, ContextMax = 8192, TypeOf = typeOf,
    };

    /// <summary>The mix that files called Q4_K_M have: Q6_K for the output and for half of the value and down
    /// projections.</summary>
    public static GgufTensorType Q4KM(string name, int layers)
    {
        if (name == "output.weight") return GgufTensorType.Q6_K;
        if (!name.Contains("attn_v") && !name.Contains("ffn_down")) return GgufTensorType.Q4_K;
        var layer = int.Parse(name.Split('.')[1], System.Globalization.CultureInfo.InvariantCulture);
        var more = layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
        return more ? GgufTensorType.Q6_K : GgufTensorType.Q4_K;
    }

    /// <summary>Adds the model to a file that may hold a tokenizer.</summary>
    public GgufWriter AddTo(GgufWriter writer)
    {
        var (arch, headDim) = (Architecture, HeadDim == 0 ? Dim / Heads : HeadDim);
        var (query, kv) = (Heads * headDim, KvHeads * headDim);
        writer.Text("general.architecture", arch).Text("general.name", "random")
            .Number($"{arch}.context_length", (uint)ContextMax).Number($"{arch}.block_count", (uint)Layers)
            .Number($"{arch}.embedding_length", (uint)Dim).Number($"{arch}.feed_forward_length", (uint)FeedForward)
            .Number($"{arch}.attention.head_count", (uint)Heads).Number($"{arch}.attention.head_count_kv", (uint)KvHeads)
            .Number($"{arch}.attention.key_length", (uint)headDim).Number($"{arch}.attention.value_length", (uint)headDim)
            .Number($"{arch}.attention.layer_norm_rms_epsilon", 1e-5f).Number($"{arch}.rope.freq_base", 10000f);
        if (Experts > 0)
            writer.Number($"{arch}.expert_count", (uint)Experts).Number($"{arch}.expert_used_count", (uint)ExpertsUsed);

        Matrix(writer, "token_embd.weight", 1, Dim, Vocabulary);
        for (var i = 0; i < Layers; i++)
        {
            var layer = $"blk.{i}.";
            Vector(writer, layer + "attn_norm.weight", Dim, 1);
            Matrix(writer, layer + "attn_q.weight", Gain(Dim), Dim, query);
            Matrix(writer, layer + "attn_k.weight", Gain(Dim), Dim, kv);
            Matrix(writer, layer + "attn_v.weight", Gain(Dim), Dim, kv);
            Matrix(writer, layer + "attn_output.weight", Gain(query), query, Dim);
            Vector(writer, layer + "ffn_norm.weight", Dim, 1);
            if (arch == "qwen2")
            {
                Vector(writer, layer + "attn_q.bias", query, 0);
                Vector(writer, layer + "attn_k.bias", kv, 0);
                Vector(writer, layer + "attn_v.bias", kv, 0);
            }

            if (arch == "qwen3")
            {
                Vector(writer, layer + "attn_q_norm.weight", headDim, 1);
                Vector(writer, layer + "attn_k_norm.weight", headDim, 1);
            }

            FeedForwardOf(writer, layer);
        }

        Vector(writer, "output_norm.weight", Dim, 1);
        if (!TiedEmbeddings) Matrix(writer, "output.weight", Gain(Dim), Dim, Vocabulary);
        return writer;
    }

    private void FeedForwardOf(GgufWriter writer, string layer)
    {
        if (Experts == 0)
        {
            Matrix(writer, layer + "ffn_gate.weight", Gain(Dim), Dim, FeedForward);
            Matrix(writer, layer + "ffn_up.weight", Gain(Dim), Dim, FeedForward);
            Matrix(writer, layer + "ffn_down.weight", Gain(FeedForward), FeedForward, Dim);
            return;
        }

        writer.Tensor(layer + "ffn_gate_inp.weight", GgufTensorType.F32, [Dim, Experts],
            RandomWeights.Of(GgufTensorType.F32, Experts, Dim, RngOf(layer + "router"), Gain(Dim)));
        Matrix(writer, layer + "ffn_gate_exps.weight", Gain(Dim), Dim, FeedForward, Experts);
        Matrix(writer, layer + "ffn_up_exps.weight", Gain(Dim), Dim, FeedForward, Experts);
        Matrix(writer, layer + "ffn_down_exps.weight", Gain(FeedForward), FeedForward, Dim, Experts);
    }

    private static float Gain(int inputs) => 2.5f / MathF.Sqrt(inputs);

    private Rng RngOf(string name) => new Rng(Seed).Fork(name);

    private void Matrix(GgufWriter writer, string name, float size, int inputs, int outputs, int experts = 1)
    {
        var type = TypeOf(name);
        long[] dimensions = experts == 1 ? [inputs, outputs] : [inputs, outputs, experts];
        writer.Tensor(name, type, dimensions, RandomWeights.Of(type, outputs * experts, inputs, RngOf(name), size));
    }

    private void Vector(GgufWriter writer, string name, int count, float around)
    {
        var bytes = RandomWeights.Of(GgufTensorType.F32, 1, count, RngOf(name), 0.3f);
        var floats = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(bytes.AsSpan());
        for (var i = 0; i < count; i++) floats[i] += around;
        writer.Tensor(name, GgufTensorType.F32, [count], bytes);
    }
}
