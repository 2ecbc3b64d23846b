using Sluice.Core;

namespace Sluice.Cli;

/// <summary>KV blocks that the sequences of one request hold together, and would hold each for itself, summed over the steps
/// of its decoding and over requests.</summary>
internal record struct SharedBlocks(long Physical, long Logical)
{
    public readonly double Saving => 1 - Physical / (double)Logical;
}

/// <summary>Several sequences from one prompt decode step by step in a real block cache, and the blocks are counted.</summary>
/// <remarks>Requests share nothing with each other, so one after the other counts the same as all together. Summing blocks
/// before dividing weighs a request by the memory it takes and by how long, as a full server does.</remarks>
internal static class Sharing
{
    /// <summary>Samples go on from the prompt, all as long as the answer in the workload, and never meet again.</summary>
    public static SharedBlocks Samples(PoissonLoad load, int requests, int width) =>
        Beams(load, requests, width, redraw: 0, new Rng(0));

    /// <summary>Beam search, all beams as long as the answer in the workload. In a step every beam's parent is drawn anew,
    /// each beam of the step before equally likely, with probability <paramref name="redraw"/>; else every beam goes on by
    /// itself.</summary>
    public static SharedBlocks Beams(PoissonLoad load, int requests, int width, double redraw, Rng rng)
    {
        var blocks = width * (Opt13b.ModelTokensMax / Opt13b.BlockTokens + 1);
        var cache = new PagedKvCache(blocks, Opt13b.BlockTokens);
        var beams = new BeamSet(cache, width);
        var sum = new SharedBlocks();
        foreach (var (request, outputTokens) in load.First(requests))
        {
            beams.Begin(request);
            // The last token's KV is never computed.
            for (var tokens = request.PromptTokens + 1; tokens < request.PromptTokens + outputTokens; tokens++)
            {
                if (redraw > 0 && (redraw >= 1 || rng.NextDouble() < redraw)) beams.Redraw(ref rng);
                beams.Write(tokens);
                sum.Physical += cache.TakenBlocks();
                sum.Logical += beams.LogicalBlocks;
            }

            beams.End();
            Check.That(cache.FreeBlocks == cache.TotalBlocks);
        }

        return sum;
    }

    /// <summary>The beams of one request. A beam that nobody continues gives its blocks back before others fork.</summary>
    private sealed class BeamSet(PagedKvCache cache, int width)
    {
        private readonly int[] _parents = new int[width];
        private readonly bool[] _isContinued = new bool[width];

        public long LogicalBlocks
        {
            get
            {
                var sum = 0L;
                for (var beam = 0; beam < width; beam++) sum += cache.BlockTable(beam).Length;
                return sum;
            }
        }

        public void Begin(Request request)
        {
            var isAdmitted = cache.TryAdmit(0, request, request.PromptTokens);
            Check.That(isAdmitted);
            for (var beam = 1; beam < width; beam++) cache.TryFork(0, beam);
        }

        /// <summary>Every beam continues one of the beams, which it draws; a beam that is drawn continues itself first, so
        /// that only the surplus forks.</summary>
        public void Redraw(ref Rng rng)
        {
            Array.Clear(_isContinued);
            var surplus = 0;
            for (var i = 0; i < width; i++)
            {
                var parent = rng.Next(width);
                if (_isContinued[parent]) _parents[surplus++] = parent;
                else _isContinued[parent] = true;
            }

            for (var beam = 0; beam < width; beam++)
                if (!_isContinued[beam]) cache.Release(beam);
            for (var beam = 0; beam < width; beam++)
                if (!_isContinued[beam]) cache.TryFork(_parents[--surplus], beam);
            Check.That(surplus == 0);
        }

        public void Write(int tokens)
        {
            for (var beam = 0; beam < width; beam++)
            {
                var isReserved = cache.TryReserve(beam, tokens);
                Check.That(isReserved);
            }

            cache.ClearPendingCopies(); // Nothing is really copied.
        }

        public void End()
        {
            for (var beam = 0; beam < width; beam++) cache.Release(beam);
        }
    }
}
