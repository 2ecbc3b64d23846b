using Sluice.Core;

namespace Sluice.Simulation.Tests;

/// <summary>What every workload must satisfy, whoever made it.</summary>
internal static class WorkloadRules
{
    public static void Hold(Workload load)
    {
        Assert.NotEmpty(load.Requests);
        Assert.Equal(load.Requests.Length, load.OutputTokens.Length);
        var last = new Instant(0);
        for (var i = 0; i < load.Requests.Length; i++)
        {
            var request = load.Requests[i];
            Assert.Equal(i, request.Id.Value);
            Assert.True(request.Arrival >= last);
            last = request.Arrival;
            Assert.True(request.PromptTokens >= 1);
            Assert.InRange(load.OutputTokens[i], 1, request.MaxOutputTokens);
            Assert.InRange(request.Model.Index, 0, load.Models.Count - 1);
            Assert.InRange(request.Tenant.Index, 0, load.Tenants.Count - 1);
            Assert.InRange(request.Class.Index, 0, load.Classes.Count - 1);
            if (request.Media is { } media) Assert.InRange(media.EncoderTokens, 0, request.PromptTokens - 1);
            if (!request.PromptBlocks.IsEmpty)
                Assert.True((long)request.PromptBlocks.Length * load.PrefixBlockTokens <= request.PromptTokens);
        }
    }
}
