using Sluice.Core;
using Sluice.Testing;

namespace Sluice.Engine.Tests;

/// <summary>Sequences that are stopped inside a layer and go on with later steps give what they give undisturbed.</summary>
public sealed class LayerGateTests
{
    private const int Length = 12;
    private const int Layers = 3;

    [Theory, InlineData(0, 1), InlineData(0, 2), InlineData(4, 1), InlineData(4, 2)]
    public void Sequences_held_at_random_layers_give_the_same_bits(int experts, int threads)
    {
        var model = new RandomModel { Layers = Layers, Dim = 64, FeedForward = 64, Experts = experts, TypeOf = _ => GgufTensorType.F16 };
        using var onDisk = new TestModelFile(model.AddTo(new GgufWriter()));
        using var file = GgufFile.Open(onDisk.Path);
        using var transformer = new Transformer(file, ModelConfig.Read(file), new() { Threads = threads, TotalBlocks = 8 });
        var width = transformer.Vocabulary;
        var expected = new float[4][];
        var batch = new ForwardBatch();
        for (var s = 0; s < 4; s++)
        {
            expected[s] = new float[2 * width];
            batch.Clear();
            batch.Add(Tokens(s), 0, new[] { s }, 2);
            transformer.Forward(batch, expected[s]);
        }

        var holdings = 0;
        for (ulong seed = 1; seed <= 8; seed++)
        {
            // Each sequence waits, then takes part until it is held or done; a held one may sit out steps.
            var gate = new RandomGate(new Rng(seed));
            var rng = new Rng(seed).Fork("steps");
            var done = new bool[4];
            while (done.Contains(false))
            {
                batch.Clear();
                gate.Sequences.Clear();
                for (var s = 0; s < 4; s++)
                {
                    if (done[s] || rng.Next(3) == 0) continue;
                    gate.Sequences.Add(s);
                    if (gate.Held[s] is { } held) batch.Resume(held, new[] { s });
                    else batch.Add(Tokens(s), 0, new[] { s }, 2);
                    gate.Held[s] = null;
                }

                if (gate.Sequences.Count == 0) continue;
                var logits = new float[batch.LogitRows * width];
                transformer.Forward(batch, logits, gate);
                for (var i = 0; i < gate.Sequences.Count; i++)
                {
                    var s = gate.Sequences[i];
                    if (gate.Held[s] is not null) continue;
                    Assert.Equal(expected[s], logits.AsSpan(2 * i * width, 2 * width).ToArray());
                    done[s] = true;
                }
            }

            holdings += gate.Holdings;
        }

        Assert.InRange(holdings, 20, 1000);
    }

    private static int[] Tokens(int sequence) => [.. Enumerable.Range(1, Length - 2 * sequence).Select(i => (sequence * 31 + i * 17) % 200)];

    private sealed class RandomGate(Rng rng) : ILayerGate
    {
        private Rng _rng = rng;

        /// <summary>By index in the batch.</summary>
        public List<int> Sequences { get; } = [];

        public HeldRows?[] Held { get; } = new HeldRows?[4];
        public int Holdings { get; private set; }

        public bool Holds(int layer, int chunk) => _rng.Next(4) == 0;

        public void Take(int chunk, HeldRows held)
        {
            Assert.InRange(held.Layer, 0, Layers - 1);
            Held[Sequences[chunk]] = held;
            Holdings++;
        }
    }
}
