namespace Sluice.Core;

/// <summary>Bounds of one engine.</summary>
/// <param name="TokenBudget">Most tokens computed in one step; a decode counts one. vLLM's max_num_batched_tokens.</param>
/// <param name="SequencesMax">Most sequences that hold device KV at once. vLLM's max_num_seqs.</param>
/// <param name="SkipStableSteps">Take many steps at once where the outcome is the same.</param>
public sealed record EngineLimits(int TokenBudget = 2048, int SequencesMax = 256, bool SkipStableSteps = true);
