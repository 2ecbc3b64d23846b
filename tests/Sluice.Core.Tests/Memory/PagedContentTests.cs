namespace Sluice.Core.Tests;

/// <summary>Runs a pretend model on <see cref="PagedKvCache"/>: it writes tokens through block tables into memory, makes the
/// pending copies, and every sequence must read back what it has seen, whatever it shares.</summary>
public sealed class PagedContentTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_sequence_reads_its_own_tokens_and_references_return_to_zero(bool prefixCache) =>
        Scripts.ForAll(scripts: 1500, lengthMax: 80, script => new PretendModel(prefixCache).Run(script));

    private sealed class PretendModel(bool prefixCache)
    {
        private const int Slots = 8;
        private const int B = 4;
        private const int Blocks = 24;
        private const int HostBlocks = 10;

        private readonly PagedKvCache _cache = new(Blocks, B, HostBlocks, prefixCache) { ListsSwaps = true };
        private readonly ulong[] _device = new ulong[Blocks * B];
        private readonly ulong[] _host = new ulong[HostBlocks * B];
        private readonly List<ulong>?[] _seen = new List<ulong>?[Slots]; // Tokens of each sequence.
        private readonly ulong[][] _prompts = new ulong[Slots][];
        private readonly bool[] _isSwapped = new bool[Slots];
        private ulong _nextToken = 1_000_000;
        private int _forks;
        private int _rewinds;
        private int _copies;

        public void Run(int[] script)
        {
            foreach (var step in script)
            {
                var rng = new Rng((ulong)step);
                Step(rng.Next(12), rng.Next(Slots), ref rng);
                _cache.Audit();
                ReadBack();
            }

            for (var slot = 0; slot < Slots; slot++) Drop(slot);
            _cache.Audit();
            Assert.Equal((Blocks, HostBlocks), (_cache.FreeBlocks, _cache.HostFreeBlocks));
            Assert.True(_copies <= _forks + _rewinds);
        }

        private void Step(int kind, int slot, ref Rng rng)
        {
            if (_seen[slot] is null)
            {
                if (kind < 6) Admit(slot, family: rng.Next(4), prompt: 1 + rng.Next(30), ref rng);
                else Fork(parent: rng.Next(Slots), slot);
            }
            else if (_isSwapped[slot])
            {
                if (kind < 3) Drop(slot);
                else SwapIn(slot, more: rng.Next(6));
            }
            else if (kind < 2)
            {
                Drop(slot);
            }
            else if (kind < 3)
            {
                SwapOut(slot);
            }
            else if (kind < 4)
            {
                Rewind(slot, 1 + rng.Next(_seen[slot]!.Count));
            }
            else if (kind < 7)
            {
                Decode(slot);
            }
            else
            {
                Append(slot, 1 + rng.Next(6));
            }
        }

        private void Admit(int slot, int family, int prompt, ref Rng rng)
        {
            ulong[] content = [.. Enumerable.Range(0, prompt).Select(i => (ulong)(i < 9 ? family % 2 : family) * 100 + (ulong)i)];
            var hashes = new ulong[prompt / B];
            var chain = 0UL;
            for (var i = 0; i < hashes.Length * B; i++)
            {
                chain = new Rng(chain ^ content[i]).NextUInt64();
                hashes[i / B] = chain;
            }

            var request = KvRequests.Of(prompt, promptBlocks: hashes);
            var hit = _cache.CachedTokens(request);
            Assert.Equal(0, hit % B);
            Assert.InRange(hit, 0, prefixCache ? prompt - 1 : 0);

            // Often only a chunk of the prompt; what the sequence sees next is then the rest of it.
            var tokens = hit + 1 + rng.Next(prompt - hit);
            var (free, cached) = (_cache.FreeBlocks, _cache.CachedBlocks);
            if (_cache.TryAdmit(slot, request, tokens))
            {
                _prompts[slot] = content;
                _seen[slot] = [.. content[..tokens]];
                Write(slot, from: hit);
            }
            else
            {
                Assert.Equal((free, cached, hit), (_cache.FreeBlocks, _cache.CachedBlocks, _cache.CachedTokens(request)));
            }
        }

        private void Fork(int parent, int child)
        {
            if (_seen[parent] is null || _isSwapped[parent]) return;
            var free = _cache.FreeBlocks;
            Assert.True(_cache.TryFork(parent, child));
            Assert.Equal(free, _cache.FreeBlocks);
            _seen[child] = [.. _seen[parent]!];
            _prompts[child] = _prompts[parent];
            _forks++;
        }

        private void Append(int slot, int tokens)
        {
            var seen = _seen[slot]!;
            var shared = seen.Count % B != 0 && _cache.References(_cache.BlockTable(slot)[^1]) > 1;
            var lacks = (seen.Count + tokens + B - 1) / B - _cache.BlockTable(slot).Length + (shared ? 1 : 0);
            var free = _cache.FreeBlocks;
            var fits = lacks <= free;

            Assert.Equal(fits, _cache.TryReserve(slot, seen.Count + tokens));

            Assert.Equal(fits ? free - lacks : free, _cache.FreeBlocks);
            Assert.Equal(fits && shared ? 1 : 0, _cache.PendingCopies.Length);
            if (fits) WriteMore(slot, tokens);
        }

        /// <summary>One token as part of the decoding set, unless the block to be written is shared.</summary>
        private void Decode(int slot)
        {
            var seen = _seen[slot]!;
            var crosses = seen.Count % B == 0;
            if (!crosses && _cache.References(_cache.BlockTable(slot)[^1]) > 1) return;
            if (!_cache.TryGrow(crosses ? 1 : 0)) return;
            _cache.Audit();
            _cache.Settle(slot, seen.Count + 1);
            WriteMore(slot, 1);
        }

        private void Rewind(int slot, int tokens)
        {
            _cache.Rewind(slot, tokens);
            Assert.Equal((tokens + B - 1) / B, _cache.BlockTable(slot).Length);
            _seen[slot]!.RemoveRange(tokens, _seen[slot]!.Count - tokens);
            _rewinds++;
        }

        private void SwapOut(int slot)
        {
            if (_cache.TrySwapOut(slot)) _isSwapped[slot] = true;
            MakeCopies();
        }

        private void SwapIn(int slot, int more)
        {
            if (!_cache.TrySwapIn(slot, _seen[slot]!.Count + more)) return;
            _isSwapped[slot] = false;
            MakeCopies();
            WriteMore(slot, more);
        }

        private void Drop(int slot)
        {
            if (_seen[slot] is null) return;
            if (_isSwapped[slot]) _cache.ReleaseSwapped(slot);
            else _cache.Release(slot);
            (_seen[slot], _isSwapped[slot]) = (null, false);
        }

        private void WriteMore(int slot, int tokens)
        {
            var seen = _seen[slot]!;
            var from = seen.Count;

            for (var i = from; i < from + tokens; i++)
                seen.Add(i < _prompts[slot].Length ? _prompts[slot][i] : _nextToken++);
            Write(slot, from);
        }

        private void Write(int slot, int from)
        {
            MakeCopies();
            var table = _cache.BlockTable(slot);
            for (var i = from; i < _seen[slot]!.Count; i++)
            {
                Assert.Equal(1, _cache.References(table[i / B]));
                _device[table[i / B] * B + i % B] = _seen[slot]![i];
            }
        }

        private void MakeCopies()
        {
            foreach (var copy in _cache.PendingCopies)
            {
                var (from, to) = copy.Kind switch
                {
                    BlockCopyKind.DeviceToHost => (_device, _host),
                    BlockCopyKind.HostToDevice => (_host, _device),
                    _ => (_device, _device),
                };
                from.AsSpan(copy.Source * B, B).CopyTo(to.AsSpan(copy.Target * B, B));
                if (copy.Kind == BlockCopyKind.DeviceToDevice) _copies++;
            }

            _cache.ClearPendingCopies();
        }

        private void ReadBack()
        {
            for (var slot = 0; slot < Slots; slot++)
            {
                if (_seen[slot] is not { } seen) continue;
                var table = _isSwapped[slot] ? _cache.HostBlockTable(slot) : _cache.BlockTable(slot);
                var memory = _isSwapped[slot] ? _host : _device;
                for (var i = 0; i < seen.Count; i++) Assert.Equal(seen[i], memory[table[i / B] * B + i % B]);
            }
        }
    }
}
