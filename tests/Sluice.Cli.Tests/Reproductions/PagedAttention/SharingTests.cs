using Sluice.Core;

namespace Sluice.Cli.Tests;

public sealed class SharingTests
{
    private static PoissonLoad Load(int prompt, int output) =>
        new("test", FormattableString.Invariant($"prompt={prompt},output={output}"), count: 20, seed: 1, (p, o) => (p, o));

    [Fact]
    public void Two_samples_share_the_full_blocks_of_the_prompt_and_no_more()
    {
        // A prompt of 2 blocks; the steps write tokens 33 to 48, one more block each.
        var blocks = Sharing.Samples(Load(prompt: 32, output: 17), requests: 1, width: 2);

        Assert.Equal(16 * (3 + 3), blocks.Logical);
        Assert.Equal(16 * (2 + 1 + 1), blocks.Physical);
    }

    [Fact]
    public void A_prompt_shorter_than_a_block_is_copied_and_saves_nothing()
    {
        Assert.Equal(0, Sharing.Samples(Load(prompt: 10, output: 50), requests: 5, width: 4).Saving);
    }

    [Fact]
    public void Beams_that_are_drawn_anew_more_often_share_more()
    {
        var load = Load(prompt: 40, output: 200);
        double[] savings = [.. new[] { 0, 1 / 64.0, 1 / 8.0, 1 }.Select(q => Sharing.Beams(load, 20, 4, q, new Rng(1)).Saving)];

        Assert.Equal(savings.Order(), savings);
        Assert.InRange(savings[^1], savings[0] + 0.1, 0.75);
    }
}
