using Sluice.Benchmarks;

namespace Sluice.Gateway.Tests;

/// <summary>Runs alone: its clock stands still while anybody in the process works.</summary>
[CollectionDefinition(nameof(MixedLoadTests), DisableParallelization = true)]
public sealed class AloneCollection;

/// <summary>Chats beside a batch, through the whole gateway over HTTP, with one paced engine under a clock that jumps. The same at
/// full length, in real time: <c>benchmarks/Sluice.Benchmarks mixed</c>.</summary>
[Collection(nameof(MixedLoadTests))]
public sealed class MixedLoadTests
{
    /// <summary>Of a minute's run on a machine that is busy with other things; the benchmark's runs agree within 2 %.</summary>
    private const double Tolerance = 0.1;

    private static readonly MixedTraffic s_batch = new(Lines: 500, ChatsPerSecond: 3, TimeSpan.Zero, LineTokens: 120);
    private static readonly MixedTraffic s_mixed = s_batch with { ChatFor = TimeSpan.FromSeconds(15) };
    private static readonly IReadOnlyList<EngineSpec> s_fleet = [.. EngineFactory.DemoFleet.Take(1)];
    private static readonly MixedSetup s_sluice = MixedSetup.Sluice with { Fleet = s_fleet };
    private static readonly MixedSetup s_passThrough = MixedSetup.PassThrough with { Fleet = s_fleet };

    [Fact]
    public async Task Chats_are_in_time_beside_a_batch_that_hardly_slows_down()
    {
        var alone = await MixedRun.RunAsync(s_sluice, s_batch, isQuick: true);
        var mixed = await MixedRun.RunAsync(s_sluice, s_mixed, isQuick: true);
        var replay = MixedReplay.Of(s_sluice, mixed.Journal);

        Assert.InRange(mixed.Attainment, 0.99, 1);
        Assert.InRange(mixed.LinesPerSecond / alone.LinesPerSecond, 0.9, double.MaxValue);
        Assert.InRange(replay.Attainment, mixed.Attainment - Tolerance, mixed.Attainment + Tolerance);
        Assert.InRange(replay.LinesPerSecond / mixed.LinesPerSecond, 1 - Tolerance, 1 + Tolerance);
    }

    [Fact]
    public async Task A_proxy_that_hands_everything_on_keeps_few_promises_and_the_simulator_says_so()
    {
        var mixed = await MixedRun.RunAsync(s_passThrough, s_mixed, isQuick: true);
        var replay = MixedReplay.Of(s_passThrough, mixed.Journal);

        Assert.InRange(mixed.Attainment, 0, 0.6);
        Assert.InRange(replay.Attainment, mixed.Attainment - Tolerance, mixed.Attainment + Tolerance);
        Assert.InRange(replay.LinesPerSecond / mixed.LinesPerSecond, 1 - Tolerance, 1 + Tolerance);
    }
}
