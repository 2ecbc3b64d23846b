namespace Sluice.Gateway.Tests;

public sealed class LineSlotsTests
{
    [Fact]
    public async Task Whoevers_window_ends_first_gets_the_next_slot()
    {
        var slots = new LineSlots(1);
        await slots.TakeAsync(1, deadline: 100, default);
        var late = slots.TakeAsync(1, deadline: 300, default);
        var early = slots.TakeAsync(1, deadline: 200, default);

        slots.Release(1);
        await early;
        Assert.False(late.IsCompleted);

        slots.Release(1);
        await late;
        Assert.Equal(0, slots.Free);
    }

    [Fact]
    public async Task One_who_leaves_holds_up_nobody_and_keeps_nothing()
    {
        var slots = new LineSlots(2);
        using var cancel = new CancellationTokenSource();
        await slots.TakeAsync(1, deadline: 100, default);
        var big = slots.TakeAsync(2, deadline: 100, cancel.Token);
        var small = slots.TakeAsync(1, deadline: 200, default);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => big);
        await small;
        slots.Release(2);
        Assert.Equal(2, slots.Free);
    }

    [Fact]
    public void A_long_line_takes_more_slots_but_never_more_than_there_are()
    {
        var slots = new LineSlots(4);

        Assert.Equal(1, slots.SlotsOf(1000));
        Assert.Equal(2, slots.SlotsOf(LineSlots.SlotBytes));
        Assert.Equal(4, slots.SlotsOf(100 << 20));
    }
}
