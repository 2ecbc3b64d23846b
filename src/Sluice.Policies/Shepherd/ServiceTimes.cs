using Sluice.Core;

namespace Sluice.Policies;

/// <summary>What a group costs on an engine if every request is the mean one.</summary>
/// <param name="Batch">Requests that run together.</param>
/// <param name="Prefill">One request's prefill [s].</param>
/// <param name="Share">Engine time of one request out of a full batch [s]: a place comes free this often.</param>
/// <param name="Alone">From a request's start to its end in a full batch [s].</param>
internal readonly record struct ServiceTime(int Batch, double Prefill, double Share, double Alone);

/// <summary>Service times as constants: the batch that fits, and its step time from the profile.</summary>
/// <remarks>Deterministic by intention: variance of lengths, which QLM adds, is left out. Without a profile a request takes
/// one second.</remarks>
internal static class ServiceTimes
{
    public static ServiceTime Of(in ShepherdGroup group, ModelOnEngine? profile)
    {
        if (profile is null) return new(1, 0, 1, 1);
        var kvTokens = group.PromptTokens + group.OutputTokens / 2;
        var batch = (int)Math.Clamp(profile.KvTokens / kvTokens, 1, profile.SequencesMax);
        var prompt = (int)Math.Ceiling(group.PromptTokens);
        var prefill = Seconds(profile.StepTime.StepTime(new() { PrefillTokens = prompt, AttentionPairsTwice = (long)prompt * prompt }));
        var step = Seconds(profile.StepTime.StepTime(
            new() { DecodeSequences = batch, ContextTokens = (long)(batch * kvTokens) }));
        var share = prefill + group.OutputTokens * step / batch;
        return new(batch, prefill, share, share * batch);
    }

    private static double Seconds(long femtoseconds) => femtoseconds / 1e15;
}
