using Sluice.Core;
using Sluice.Testing;

namespace Sluice.Engine.Tests;

public sealed class ModelConfigTests
{
    [GoldenFact]
    public void Golden_models_say_what_their_list_says()
    {
        var llama = Read("llama-gqa-Q4_K_M");
        Assert.Equal((1024, 3, 256, 8, 2, 32, 512), Shape(llama));
        Assert.Equal((RopeStyle.Neighbours, 10000f, 1f, 32), (llama.Rope, llama.RopeBase, llama.RopeDivisor, llama.RopeDimensions));
        Assert.Equal((0, 1e-5f, false, false), (llama.Experts, llama.RmsEpsilon, llama.HasTiedEmbeddings, llama.HasRopeFrequencies));

        var mixtral = Read("mixtral-moe-F16");
        Assert.Equal((8, 2, 128), (mixtral.Experts, mixtral.ExpertsUsed, mixtral.FeedForward));

        var qwen2 = Read("qwen2-bias-F16");
        Assert.Equal((true, false, RopeStyle.Halves), (qwen2.HasAttentionBias, qwen2.HasHeadNorm, qwen2.Rope));

        var qwen3 = Read("qwen3-qknorm-F16");
        Assert.Equal((false, true, 64, true), (qwen3.HasAttentionBias, qwen3.HasHeadNorm, qwen3.HeadDim, qwen3.HasTiedEmbeddings));
        Assert.Equal((256, 128), (qwen3.QueryWidth, qwen3.Dim));

        Assert.True(Read("llama3-rope-tied-F16") is { HasRopeFrequencies: true, HasTiedEmbeddings: true, RopeBase: 500000f });
        Assert.Equal(4f, Read("llama-rope-linear-F16").RopeDivisor);
    }

    public static TheoryData<string, string> Faults => new()
    {
        { "architecture", "the architecture 'mamba' is not supported; expected one of llama, qwen2, qwen3." },
        { "no context", "metadata key 'llama.context_length' is missing; expected an integer from 1 to" },
        { "no embeddings", "tensor 'token_embd.weight' is missing" },
        { "KV heads", "metadata key 'llama.attention.head_count_kv' is 3; expected a divisor of the 4 heads." },
        { "heads", "metadata key 'llama.attention.head_count' is 3; expected a divisor of the 32 dimensions." },
        { "scaling", "metadata key 'llama.rope.scaling.type' is 'yarn', which the engine does not compute; expected 'none' or 'linear'." },
        { "width", "tensor 'token_embd.weight' is [32, 4]; the metadata calls for [64, 4]." },
        { "experts used", "metadata key 'llama.expert_used_count' is 9; expected 1 to 8." },
        { "layers", "metadata key 'llama.block_count' is 1; expected more, since there is a tensor 'blk.1.attn_norm.weight'." },
    };

    [Theory, MemberData(nameof(Faults))]
    public void A_model_that_would_be_computed_wrongly_is_refused(string fault, string message)
    {
        var writer = new GgufWriter()
            .Text("general.architecture", fault == "architecture" ? "mamba" : "llama")
            .Number("llama.embedding_length", fault == "width" ? 64u : 32u)
            .Number("llama.block_count", 1u)
            .Number("llama.feed_forward_length", 64u)
            .Number("llama.attention.head_count", fault == "heads" ? 3u : 4u)
            .Number("llama.attention.head_count_kv", fault is "KV heads" or "heads" ? 3u : 2u)
            .Number("llama.attention.layer_norm_rms_epsilon", 1e-5f);
        if (fault != "no context") writer.Number("llama.context_length", 128u);
        if (fault == "scaling") writer.Text("llama.rope.scaling.type", "yarn");
        if (fault == "experts used") writer.Number("llama.expert_count", 8u).Number("llama.expert_used_count", 9u);
        if (fault != "no embeddings") writer.Tensor("token_embd.weight", GgufTensorType.F32, [32, 4], new byte[512]);
        if (fault == "layers") writer.Tensor("blk.1.attn_norm.weight", GgufTensorType.F32, [32], new byte[128]);

        var refused = Assert.Throws<InputException>(() => GgufFiles.With(writer.ToArray(), ModelConfig.Read));

        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }

    private static ModelConfig Read(string model)
    {
        using var file = GgufFile.Open(SharedData.Model(model));
        return ModelConfig.Read(file);
    }

    private static (int, int, int, int, int, int, int) Shape(ModelConfig c) =>
        (c.Vocabulary, c.Layers, c.Dim, c.Heads, c.KvHeads, c.HeadDim, c.FeedForward);
}
