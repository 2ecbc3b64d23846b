namespace Sluice.Core.Tests;

public sealed class WaitingQueueTests
{
    private sealed class ByPriority : IWaitingOrder
    {
        public long KeyOf(in Sequence sequence) => sequence.Request.Priority;
    }

    [Theory]
    [InlineData(1UL)]
    [InlineData(2UL)]
    [InlineData(3UL)]
    public void Agrees_with_a_list_when_sequences_leave_from_the_middle(ulong seed)
    {
        var rng = new Rng(seed);
        var table = new SequenceTable();
        var queue = new WaitingQueue(table, order: null);
        var oracle = new List<int>();
        for (var i = 0; i < 20_000; i++)
        {
            switch (rng.Next(5))
            {
                case < 2 when oracle.Count < 300:
                    var slot = table.Allocate();
                    table[slot].Request = A.Request(i, promptTokens: 1 + rng.Next(50));
                    var atFront = rng.Next(5) == 0;
                    queue.Enqueue(slot, atFront);
                    oracle.Insert(atFront ? 0 : oracle.Count, slot);
                    break;
                case 2 when oracle.Count > 0:
                    Assert.True(queue.Take(oracle[0]));
                    table.Free(oracle[0]);
                    oracle.RemoveAt(0);
                    break;
                case 3 when oracle.Count > 0:
                    var at = rng.Next(oracle.Count);
                    var taken = oracle[at];
                    if (queue.Take(taken)) table.Free(taken);
                    else table[taken].Phase = SequencePhase.Removed;
                    oracle.RemoveAt(at);
                    break;
            }

            Assert.Equal(oracle.Count, queue.Count);
            if (rng.Next(3) == 0) Assert.Equal(oracle.Count == 0 ? -1 : oracle[0], queue.Head);
            if (i % 50 != 0) continue;
            var copy = new int[400];
            Assert.Equal(oracle, copy[..queue.CopyTo(copy)]);
            Assert.Equal(oracle.Sum(s => table[s].Request.PromptTokens), queue.PromptTokens);
        }

        // Marks do not pile up: the table is no larger than the queue ever was, and its marks.
        Assert.True(table.Used < 1000, $"{table.Used} slots used");
    }

    [Fact]
    public void A_keyed_queue_goes_by_key_then_by_submission()
    {
        var table = new SequenceTable();
        var queue = new WaitingQueue(table, new ByPriority());
        int[] priorities = [2, 1, 2, 1, 0];
        for (var i = 0; i < priorities.Length; i++)
        {
            var slot = table.Allocate();
            table[slot].Request = A.Request(i, priority: priorities[i]);
            table[slot].Order = i;
            queue.Enqueue(slot, atFront: i == 2); // Which means nothing here.
        }

        Assert.True(queue.Take(3));
        var order = new List<int>();
        for (; queue.Head >= 0; queue.Take(order[^1])) order.Add(queue.Head);

        Assert.Equal([4, 1, 0, 2], order);
    }
}
