using System.Globalization;

namespace Sluice.Benchmarks;

/// <summary>The table: a batch alone, and a batch with chats beside it, through Sluice and without it.</summary>
internal static class MixedTable
{
    private const int Lines = 2000;
    private const double ChatsPerSecond = 4;
    private static readonly TimeSpan s_lead = TimeSpan.FromSeconds(10);

    /// <param name="isQuick">Under a clock that jumps: seconds instead of minutes.</param>
    public static async Task PrintAsync(bool isQuick)
    {
        Console.WriteLine($"# Mixed load on the demo fleet\n\n{Machine.Describe()}; {(isQuick ? "a clock that jumps" : "real time")}\n");
        Console.WriteLine(
            "| | chats in time | TTFT p50 | TTFT p99 | refused | batch [s] | lines/s | simulated: in time | lines/s |\n"
            + "|---|---:|---:|---:|---:|---:|---:|---:|---:|");
        var alone = new MixedTraffic(Lines, ChatsPerSecond, TimeSpan.Zero);
        var first = await RowAsync(MixedSetup.Sluice, alone, "batch alone", isQuick);
        var mixed = alone with { ChatFor = TimeSpan.FromSeconds(Math.Floor(0.9 * first.BatchTime.TotalSeconds)) };
        var second = await RowAsync(MixedSetup.Sluice, mixed, "with chats", isQuick);
        await RowAsync(MixedSetup.PassThrough, mixed, "with chats", isQuick);
        var both = mixed with { OthersShare = 0.2, Lead = s_lead, ChatFor = mixed.ChatFor + s_lead };
        await RowAsync(MixedSetup.Sluice, both, "with chats before and beside it, a fifth with the other model", isQuick);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"\nWith chats the batch runs at {second.LinesPerSecond / first.LinesPerSecond:P1} of its speed alone."));
    }

    private static async Task<MixedOutcome> RowAsync(MixedSetup setup, MixedTraffic traffic, string what, bool isQuick)
    {
        var run = await MixedRun.RunAsync(setup, traffic, isQuick);
        var again = MixedReplay.Of(setup, run.Journal);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {setup.Name}: {what} | {Share(run.Attainment)}{(run.Chats == 0 ? "" : $" of {run.Chats}")} | {Milliseconds(run.TtftP50)} "
            + $"| {Milliseconds(run.TtftP99)} | {run.Refused} | {run.BatchTime.TotalSeconds:0.0} | {run.LinesPerSecond:0.0} "
            + $"| {Share(again.Attainment)} | {again.LinesPerSecond:0.0} |"));
        return run;

        string Share(double share) => run.Chats == 0 ? "" : share.ToString("P1", CultureInfo.InvariantCulture);
        string Milliseconds(TimeSpan time) =>
            run.Chats == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:N0} ms");
    }
}
