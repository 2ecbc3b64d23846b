using Sluice.Core;

namespace Sluice.Policies.Tests;

/// <summary>What QLM does so that people are in time beside a batch: few prompts ahead on an engine, and the last copy of a model
/// stays.</summary>
public sealed class QlmPromptsTests
{
    /// <summary>A batch of 200 at once, prompts of 25 ms each; somebody who was promised a first token in 1 s comes in the middle of
    /// it.</summary>
    private static QlmRun Beside(double promptsSeconds)
    {
        var batch = Enumerable.Range(0, 200).Select(_ => (QlmRun.Request(0, prompt: 500), 50));
        return QlmRun.Of(
            QlmRun.Workload([.. batch, (QlmRun.Request(1, ttft: 1, prompt: 100), 10)]), QlmRun.Fleet(1, kvTokens: 1_000_000),
            new() { Prompts = TimeSpan.FromSeconds(promptsSeconds), Tick = TimeSpan.FromSeconds(0.5) }, sequencesMax: 256);
    }

    [Fact]
    public void Whoever_is_urgent_does_not_wait_behind_prompts_that_could_have_waited()
    {
        Assert.InRange(Beside(promptsSeconds: 0).Ttft(200), 2, 10);
        Assert.InRange(Beside(promptsSeconds: 0.2).Ttft(200), 0, 1);
    }

    [Fact]
    public void The_engine_is_as_busy_with_a_few_prompts_ahead_as_with_all()
    {
        var all = Beside(promptsSeconds: 0).Log.Ended.Max();

        Assert.InRange(Beside(promptsSeconds: 0.2).Log.Ended.Max() / (double)all, 0, 1.02);
    }

    [Fact]
    public void The_last_copy_of_a_model_that_people_chat_with_stays()
    {
        var (kept, free) = (MissedChats(keepSeconds: 60), MissedChats(keepSeconds: 0));

        Assert.Equal(0, kept);
        Assert.True(free > 0, "nothing took the model away: too tame");
    }

    /// <summary>Two engines with a model each; people chat with the second's, and a batch of the first's would fill both.</summary>
    private static int MissedChats(double keepSeconds)
    {
        var chats = Enumerable.Range(0, 10).Select(i => (QlmRun.Request(3 * i, ttft: 1, model: 1), 20));
        var batch = Enumerable.Range(0, 400).Select(_ => (QlmRun.Request(0.5, prompt: 500), 200));
        var fleet = QlmRun.Fleet(2, models: 2);
        var run = QlmRun.Of(
            QlmRun.Workload([.. chats, .. batch], models: 2), [fleet[0], fleet[1] with { Loaded = new(1) }],
            new() { Keep = TimeSpan.FromSeconds(keepSeconds), Tick = TimeSpan.FromSeconds(0.5) }, sequencesMax: 16, loadSeconds: 5);
        return run.Result.Workload.Requests.Count(r => r.Model.Index == 1 && run.Ttft((int)r.Id.Value) > 1);
    }
}
