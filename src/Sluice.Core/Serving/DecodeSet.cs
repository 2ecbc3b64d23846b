namespace Sluice.Core;

/// <summary>The sequences that advance by one token in each decode step, kept as a few sums: how many there are, their
/// total context, who ends when, and how many cross a KV block boundary at each step.</summary>
/// <remarks>A clock counts the set's steps. A member's output length is the clock plus a constant, so a step in which
/// nobody joins or leaves costs the same for one member and for a thousand. Joining and leaving are O(log n).</remarks>
internal sealed class DecodeSet(SequenceTable table, IKvCache cache)
{
    private readonly IndexedHeap _byEnd = new();

    /// <summary>Members by phase: entry r holds those that need a new block at each clock ≡ r modulo the block
    /// size.</summary>
    private readonly int[] _crossing = new int[cache.GrowsWhileDecoding ? cache.BlockTokens : 1];

    private int _takenAhead;

    /// <summary>Steps the set has taken.</summary>
    public long Clock { get; private set; }

    public int Count { get; private set; }

    /// <summary>Tokens each member attends to in the next step, summed: everything known of it.</summary>
    public long ContextTokens { get; private set; }

    /// <summary>Steps until the first member ends, or calls a tool.</summary>
    public long StepsToFirstEnd => _byEnd.Count == 0 ? long.MaxValue : _byEnd.MinKey - Clock;

    /// <summary>A member whose last token is out, or the last before a tool is called; or -1.</summary>
    public int NextEnded => _byEnd.Count > 0 && _byEnd.MinKey <= Clock ? _byEnd.MinItem : -1;

    /// <summary>The members in no particular order.</summary>
    public int MemberAt(int index) => _byEnd.ItemAt(index);

    public int OutputOf(in Sequence sequence) => (int)(sequence.OutputOffset + Clock);

    /// <summary>A decoding sequence has computed all it knows but the newest token.</summary>
    public int ComputedOf(in Sequence sequence) => sequence.GivenTokens + OutputOf(in sequence) - 1;

    /// <summary>Takes in a sequence that knows exactly one token more than it has computed.</summary>
    public void Join(int slot)
    {
        ref var sequence = ref table[slot];
        Check.That(sequence.Computed == sequence.Known - 1);
        Check.That(sequence.Output < sequence.SegmentEnd);
        Check.That(_takenAhead == 0);

        sequence.Phase = SequencePhase.Decoding;
        sequence.OutputOffset = sequence.Output - Clock;
        sequence.JoinedAtClock = Clock;
        Count++;
        ContextTokens += sequence.Known;
        _byEnd.Set(slot, sequence.SegmentEnd - sequence.OutputOffset, sequence.Request.Id.Value);
        if (cache.GrowsWhileDecoding) _crossing[CrossingOf(in sequence)]++;
    }

    /// <summary>Lets a member go; its own numbers and its blocks are brought up to date.</summary>
    public void Leave(int slot)
    {
        ref var sequence = ref table[slot];
        Check.That(sequence.Phase == SequencePhase.Decoding);
        var ahead = _takenAhead;
        sequence.Output = OutputOf(in sequence);
        sequence.Computed = sequence.Known - 1;
        Count--;
        ContextTokens -= sequence.Known;
        _byEnd.Remove(slot);
        if (Count == 0) _takenAhead = 0; // Nobody is left to take the step that was prepared.
        if (!cache.GrowsWhileDecoding) return;

        _crossing[CrossingOf(in sequence)]--;
        cache.Settle(slot, sequence.Computed + ahead);
    }

    /// <summary>The member ends with the next step, earlier than was known.</summary>
    public void EndWithNextStep(int slot) => _byEnd.Set(slot, Clock + 1, table[slot].Request.Id.Value);

    /// <summary>Gives a member the blocks that its computed tokens have come to need, so that its block table can be
    /// read.</summary>
    public void Settle(int slot)
    {
        Check.That(_takenAhead == 0);
        if (cache.GrowsWhileDecoding) cache.Settle(slot, ComputedOf(in table[slot]));
    }

    /// <summary>Takes the blocks the members need for their next step.</summary>
    public bool TryTakeBlocks()
    {
        Check.That(_takenAhead == 0);
        if (cache.GrowsWhileDecoding)
        {
            var needed = _crossing[(int)(Clock % _crossing.Length)];
            if (needed > 0 && !cache.TryGrow(needed)) return false;
        }

        _takenAhead = 1;
        return true;
    }

    /// <summary>How many steps can follow the one whose blocks are taken before blocks run out.</summary>
    /// <param name="most">Upper bound wanted, at least 0.</param>
    public long StepsWithinBlocks(long most)
    {
        if (!cache.GrowsWhileDecoding || Count == 0) return most;
        var period = _crossing.Length;
        var free = (long)cache.FreeBlocks;
        var rounds = free / Count; // Each full period takes one block per member.
        if (rounds * period >= most) return most;

        var steps = rounds * period;
        for (free -= rounds * Count; steps < most; steps++)
        {
            free -= _crossing[(int)((Clock + 1 + steps) % period)];
            if (free < 0) break;
        }

        return steps;
    }

    /// <summary>Completes <paramref name="steps"/> steps; blocks of the first are already taken.</summary>
    /// <param name="takeNext">Take blocks for the step after the last too, because it is under way.</param>
    public void Advance(long steps, bool takeNext)
    {
        Check.That(_takenAhead == 1);
        if (cache.GrowsWhileDecoding)
        {
            var blocks = BlocksTaken(Clock + 1, takeNext ? steps : steps - 1);
            if (blocks > 0)
            {
                var taken = cache.TryGrow(blocks);
                Check.That(taken);
            }
        }

        Clock += steps;
        ContextTokens += steps * Count;
        _takenAhead = takeNext ? 1 : 0;
    }

    private int BlocksTaken(long fromClock, long steps)
    {
        var period = _crossing.Length;
        var blocks = steps / period * Count;
        for (var i = 0; i < steps % period; i++) blocks += _crossing[(int)((fromClock + i) % period)];
        return (int)blocks;
    }

    /// <summary>Clock, modulo the block size, at which the member's computed tokens fill its last block.</summary>
    private int CrossingOf(in Sequence sequence)
    {
        var period = _crossing.Length;
        var phase = (sequence.GivenTokens + sequence.OutputOffset - 1) % period; // computed − clock
        return (int)((period - phase) % period + period) % period;
    }
}
