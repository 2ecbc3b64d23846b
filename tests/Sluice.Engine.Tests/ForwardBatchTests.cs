namespace Sluice.Engine.Tests;

public sealed class ForwardBatchTests
{
    [Fact]
    public void Rows_and_logits_follow_one_another()
    {
        var batch = new ForwardBatch();

        batch.Add([7, 8, 9], 0, new[] { 0 }, 0);
        batch.Add([4], 12, new[] { 3 }, 1);

        Assert.Equal([7, 8, 9, 4], batch.Tokens.ToArray());
        Assert.Equal((3, 1, 12), (batch.Chunks[1].FirstRow, batch.Chunks[1].Rows, batch.Chunks[1].FirstPosition));
        Assert.Equal(1, batch.LogitRows);
    }
}
