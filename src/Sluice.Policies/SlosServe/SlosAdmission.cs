using System.Numerics;
using System.Runtime.InteropServices;
using Sluice.Core;

namespace Sluice.Policies;

/// <summary>A prompt that has to be computed, before an admission is decided.</summary>
/// <param name="Deadline">From now [s].</param>
/// <param name="Tier">Of its answer.</param>
/// <param name="Blocks">KV blocks it will take that are not its own yet.</param>
/// <param name="IsNew">It may be refused; the others are promised already.</param>
public readonly record struct PlannedPrompt(double Deadline, double Tokens, int Tier, int Blocks, bool IsNew, int Slot);

/// <summary>Chooses the requests to admit, so that everybody admitted can be served in time and as many as possible are.</summary>
/// <remarks>
/// Source: SLOs-Serve (arXiv 2504.08784). Prompts are walked by deadline; a state is who was accepted: how many of each tier (they
/// decode from then on), blocks taken, and prompt tokens to spare at the deadline of the last accepted one. The dynamic program
/// keeps, for each last accepted prompt and each count of tiers, the states that no other beats in blocks and in spare; more spare
/// is better (the published code compares the other way round). Time to a deadline is spent when it is passed, not when it is
/// needed, so that states of one cell are comparable and the optimum over all subsets is found: a test holds it to brute force.
/// <para>Cost: O(N² · Π(tiers' counts)) plans. The greedy form walks by deadline and takes whoever leaves all promised ones in
/// time: O(N²) plans. No allocation once warm.</para>
/// </remarks>
public sealed class SlosAdmission(BatchPlan plan)
{
    private readonly List<State> _states = new(256);
    private readonly List<int> _cell = new(256); // states by index, ordered by last
    private readonly List<PlannedPrompt> _sorted = new(64);
    private int[] _counts = new int[plan.Tiers];
    private readonly int[] _first = new int[65];

    private record struct State(int Last, int Previous, long Counts, double Spare, int Blocks, int Admitted);

    /// <summary>Most prompts that <see cref="Optimal"/> takes.</summary>
    public const int PromptsMax = 64;

    /// <summary>Admits as many as can be.</summary>
    /// <param name="prompts">In any order; sorted by deadline on return.</param>
    /// <param name="decodes">Promised decodes of each tier; at most 65,535 of one.</param>
    /// <param name="admitted">Slots of new prompts that are admitted; filled in.</param>
    /// <returns>False when not even those promised already can be served: nobody new is admitted then.</returns>
    public bool Optimal(
        in BatchCost cost, List<PlannedPrompt> prompts, ReadOnlySpan<int> decodes, int freeBlocks, List<int> admitted)
    {
        Check.That(prompts.Count <= PromptsMax);
        Check.That(plan.Tiers <= 4);
        Sort(prompts);
        admitted.Clear();
        _states.Clear();
        _states.Add(new(-1, -1, Pack(decodes), 0, 0, 0));
        _first[0] = 0;
        var mandatory = -1; // The last promised prompt before the one looked at: no state may leave it out.
        for (var n = 0; n < prompts.Count; n++)
        {
            _first[n + 1] = _states.Count; // States whose last prompt is n stand from here on.
            var from = mandatory < 0 ? 0 : _first[mandatory + 1];
            for (var i = from; i < _first[n + 1]; i++) Extend(in cost, prompts, i, n, freeBlocks);
            if (!prompts[n].IsNew) mandatory = n;
        }

        var best = -1;
        var since = mandatory < 0 ? 0 : _first[mandatory + 1];
        for (var i = since; i < _states.Count; i++)
            if (best < 0 || _states[i].Admitted > _states[best].Admitted) best = i;
        if (best < 0) return false;
        for (var i = best; _states[i].Last >= 0; i = _states[i].Previous)
            if (prompts[_states[i].Last].IsNew) admitted.Add(prompts[_states[i].Last].Slot);
        return true;
    }

    /// <summary>Admits by deadline whoever leaves everybody in time.</summary>
    /// <inheritdoc cref="Optimal"/>
    public bool Greedy(
        in BatchCost cost, List<PlannedPrompt> prompts, ReadOnlySpan<int> decodes, int freeBlocks, List<int> admitted)
    {
        Sort(prompts);
        admitted.Clear();
        _sorted.Clear();
        foreach (var p in prompts)
            if (!p.IsNew) _sorted.Add(p);
        if (!IsFeasible(in cost, CollectionsMarshal.AsSpan(_sorted), decodes, freeBlocks)) return false;

        foreach (var p in prompts)
        {
            if (!p.IsNew) continue;
            var at = _sorted.Count;
            while (at > 0 && _sorted[at - 1].Deadline > p.Deadline) at--;
            _sorted.Insert(at, p);
            if (IsFeasible(in cost, CollectionsMarshal.AsSpan(_sorted), decodes, freeBlocks)) admitted.Add(p.Slot);
            else _sorted.RemoveAt(at);
        }

        return true;
    }

    /// <summary>Whether all of some prompts can be served.</summary>
    /// <param name="sorted">By deadline.</param>
    public bool IsFeasible(in BatchCost cost, ReadOnlySpan<PlannedPrompt> sorted, ReadOnlySpan<int> decodes, int freeBlocks)
    {
        decodes.CopyTo(_counts);
        var (spare, time, blocks) = (0.0, 0.0, 0);
        foreach (var p in sorted)
        {
            if (!TryPass(in cost, ref time, p.Deadline, _counts, ref spare)) return false;
            spare -= p.Tokens;
            blocks += p.Blocks;
            if (spare < 0 || blocks > freeBlocks) return false;
            _counts[p.Tier]++;
        }

        return true;
    }

    private void Extend(in BatchCost cost, List<PlannedPrompt> prompts, int from, int n, int freeBlocks)
    {
        var (state, p) = (_states[from], prompts[n]);
        var blocks = state.Blocks + p.Blocks;
        if (blocks > freeBlocks) return;

        Unpack(state.Counts, _counts);
        var time = state.Last < 0 ? 0 : Math.Max(0, prompts[state.Last].Deadline);
        var spare = state.Spare;
        if (!TryPass(in cost, ref time, p.Deadline, _counts, ref spare)) return;
        spare -= p.Tokens;
        if (spare < 0) return;

        var next = new State(n, from, state.Counts + (1L << (16 * p.Tier)), spare, blocks, state.Admitted + (p.IsNew ? 1 : 0));
        for (var i = _first[n + 1]; i < _states.Count; i++)
        {
            var other = _states[i];
            if (other.Counts != next.Counts) continue;
            if (other.Blocks <= next.Blocks && other.Spare >= next.Spare) return;
            if (next.Blocks > other.Blocks || next.Spare < other.Spare) continue;
            _states[i] = next; // The other is beaten; its place is free.
            return;
        }

        _states.Add(next);
    }

    /// <summary>Time goes on to a deadline; what batches leave for prompts meanwhile can be spared.</summary>
    private bool TryPass(in BatchCost cost, ref double time, double deadline, ReadOnlySpan<int> counts, ref double spare)
    {
        if (deadline <= time) return true;
        var budget = plan.Budget(in cost, deadline - time, counts);
        if (budget < 0) return false;
        (spare, time) = (spare + budget, deadline);
        return true;
    }

    private static void Sort(List<PlannedPrompt> prompts) => CollectionsMarshal.AsSpan(prompts).Sort(
        static (a, b) => (a.Deadline, a.IsNew, a.Slot).CompareTo((b.Deadline, b.IsNew, b.Slot)));

    private static long Pack(ReadOnlySpan<int> counts)
    {
        var packed = 0L;
        for (var k = 0; k < counts.Length; k++) packed += (long)counts[k] << (16 * k);
        return packed;
    }

    private static void Unpack(long packed, Span<int> counts)
    {
        for (var k = 0; k < counts.Length; k++) counts[k] = (int)((packed >> (16 * k)) & 0xFFFF);
    }
}
