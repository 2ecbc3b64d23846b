using Sluice.Core;

namespace Sluice.Policies;

/// <summary>What is known of a request before it runs, as numbers: sizes, who asks, which model, how the prompt begins.</summary>
/// <remarks>The core sees no text. What stands for it are the hashes of the prompt's first KV blocks, which requests that share a
/// system prompt have in common, and the tenant and class, which stand for the application. Each of them is hashed to one of
/// <see cref="Buckets"/> indicators of a group of its own.</remarks>
public static class RequestFeatures
{
    /// <summary>Indicators per group.</summary>
    public const int Buckets = 16;

    private const int Sizes = 6, Groups = 4;

    public const int Count = Sizes + Groups * Buckets;

    /// <param name="features">Of length <see cref="Count"/>; filled in.</param>
    public static void Read(Request request, Span<double> features)
    {
        features.Clear();
        features[0] = 1;
        features[1] = Math.Log(1 + request.PromptTokens) / 8;
        features[2] = features[1] * features[1];
        features[3] = Math.Log(1 + request.MaxOutputTokens) / 8;
        features[4] = Math.Min(4, request.Stage) / 4.0;
        features[5] = request.Media is null ? 0 : 1;
        Mark(features, 0, (ulong)request.Class.Index + 1);
        Mark(features, 1, (ulong)request.Tenant.Index + 1);
        Mark(features, 2, (ulong)request.Model.Index + 1);
        if (!request.PromptBlocks.IsEmpty) Mark(features, 3, request.PromptBlocks.Span[0]);
    }

    private static void Mark(Span<double> features, int group, ulong value)
    {
        var hash = (value * 0x9E3779B97F4A7C15UL) >> 60; // Four bits: one of sixteen.
        features[Sizes + group * Buckets + (int)hash] = 1;
    }
}
