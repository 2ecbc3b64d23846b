using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Policies.Tests;

/// <summary>Who is lost anyway neither holds up the others nor waits for ever; who was promised much keeps its engine.</summary>
public sealed class QlmFairnessTests
{
    private static readonly TimeSpan s_never = TimeSpan.FromDays(10);

    // Forty seconds of work that is late on arrival, and a stream that the engine can serve in time.
    [Fact]
    public void Late_work_does_not_hold_up_those_who_can_be_in_time()
    {
        var workload = QlmRun.Workload(
        [
            .. Enumerable.Range(0, 150).Select(_ => (QlmRun.Request(0, ttft: 0.1, prompt: 1000), 100)),
            .. Enumerable.Range(0, 120).Select(i => (QlmRun.Request(5 + i * 0.5, ttft: 8), 50)),
        ]);

        var searched = QlmRun.Of(workload, QlmRun.Fleet(1), new() { Eviction = false }, sequencesMax: 8);
        var byDeadline = QlmRun.Of(workload, QlmRun.Fleet(1), new() { Eviction = false, Searches = false }, sequencesMax: 8);

        Assert.Equal(270, searched.Finished); // The late ones too.
        Assert.InRange(InTime(searched, 150, 8), 114, 120);
        Assert.InRange(InTime(byDeadline, 150, 8), 0, 90);
    }

    // A stream that takes all that the engine can do for five minutes, and eight requests that are late when it begins.
    [Fact]
    public void A_group_that_is_late_is_served_while_others_go_on_coming()
    {
        var workload = QlmRun.Workload(
        [
            .. Enumerable.Range(0, 8).Select(_ => (QlmRun.Request(10, ttft: 0.1, prompt: 3000, cap: 400), 300)),
            .. Enumerable.Range(0, 1200).Select(i => (QlmRun.Request(i * 0.25, ttft: 4), 100)),
        ]);

        var ageing = QlmRun.Of(workload, QlmRun.Fleet(1, kvTokens: 40_000), new() { Ageing = TimeSpan.FromSeconds(10) }, sequencesMax: 8);
        var ageless = QlmRun.Of(workload, QlmRun.Fleet(1, kvTokens: 40_000), new() { Ageing = s_never }, sequencesMax: 8);
        var lateOnes = Enumerable.Range(0, 1208).Where(i => workload.Requests[i].PromptTokens == 3000).ToArray();

        Assert.Equal(1208, ageing.Finished);
        var (with, without) = (lateOnes.Max(ageing.Ttft), lateOnes.Max(ageless.Ttft));
        Assert.True(with < 240, $"{with:F0} s");
        Assert.True(with < 0.8 * without, $"{with:F0} s with ageing, {without:F0} s without");
    }

    // Chat is promised a first token within less than two loads; batch work of another model would like its engine.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_pinned_engine_keeps_its_model_while_another_engine_has_the_one_that_is_wanted(bool pin)
    {
        var profiles = QlmRun.Fleet(1, models: 2)[0].Profiles;
        EngineSetup[] engines = [new(profiles, new(0)), new(profiles, new(1))];
        var workload = QlmRun.Workload(
        [
            .. Enumerable.Range(0, 30).Select(i => (QlmRun.Request(i * 10, ttft: 5), 20)),
            .. Enumerable.Range(0, 600).Select(i => (QlmRun.Request(1 + i * 0.05, ttft: 60, model: 1), 200)),
        ], models: 2);

        var run = QlmRun.Of(workload, engines, new() { PinInteractive = pin }, sequencesMax: 8);

        Assert.Equal(630, run.Finished);
        Assert.Equal(pin, run.Counts.Loads == 0);
        var chat = Enumerable.Range(0, 630).Where(i => workload.Requests[i].Model.Index == 0).Count(i => run.Ttft(i) <= 5);
        Assert.Equal(pin, chat == 30);
    }

    [Fact]
    public void Pinning_leaves_one_engine_each_when_a_model_has_none()
    {
        var workload = QlmRun.Workload(
        [
            .. Enumerable.Range(0, 30).Select(i => (QlmRun.Request(i * 10, ttft: 5), 20)),
            .. Enumerable.Range(0, 100).Select(i => (QlmRun.Request(1 + i * 0.05, ttft: 600, model: 1), 100)),
        ], models: 2);

        var run = QlmRun.Of(workload, QlmRun.Fleet(2, models: 2), new() { PinInteractive = true }, sequencesMax: 8);

        Assert.Equal(130, run.Finished); // Both engines began with the chat model.
        Assert.InRange(run.Counts.Loads, 1, 3);
        Assert.All(
            Enumerable.Range(0, 130).Where(i => workload.Requests[i].Model.Index == 0), i => Assert.InRange(run.Ttft(i), 0, 5));
    }

    private static int InTime(QlmRun run, int from, double seconds) =>
        Enumerable.Range(from, run.Log.Count - from).Count(i => run.Ttft(i) <= seconds);
}
