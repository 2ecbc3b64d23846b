using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Sluice.Benchmarks;

/// <summary>What this machine's memory and cores do at most, by bare loops, right now: on a shared machine it changes by the
/// minute, so it is measured beside what it is compared with.</summary>
internal sealed unsafe class Roofline : IDisposable
{
    /// <summary>Far beyond any cache.</summary>
    private const nuint Bytes = 192_000_000;

    private readonly byte* _memory;

    public Roofline()
    {
        _memory = (byte*)NativeMemory.AlignedAlloc(Bytes, 64);
        NativeMemory.Fill(_memory, Bytes, 1);
    }

    /// <summary>Bytes read per second by so many threads together, best of a few tries.</summary>
    public double BytesPerSecond(int threads) => Bytes / Best(threads, i =>
    {
        var part = Bytes / (nuint)threads / 256 * 256;
        return Read(_memory + part * (nuint)i, part);
    });

    /// <summary>Floating-point operations per second in fused multiply-adds, two each.</summary>
    public static double FlopsPerSecond(int threads)
    {
        const int rounds = 4_000_000;
        return threads * (double)rounds * 12 * 16 * 2 / Best(threads, _ => MultiplyAdd(rounds));
    }

    public void Dispose() => NativeMemory.AlignedFree(_memory);

    private static double Best(int threads, Func<int, float> work)
    {
        var best = double.MaxValue;
        for (var run = 0; run < 5; run++)
        {
            using var ready = new Barrier(threads + 1);
            var others = Enumerable.Range(0, threads).Select(i => new Thread(() =>
            {
                ready.SignalAndWait();
                GC.KeepAlive(work(i));
            })).ToArray();
            foreach (var other in others) other.Start();
            ready.SignalAndWait();
            var start = Stopwatch.GetTimestamp();
            foreach (var other in others) other.Join();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Read(byte* from, nuint bytes)
    {
        Vector512<int> a = default, b = default, c = default, d = default;
        for (nuint i = 0; i < bytes; i += 256)
        {
            a ^= Vector512.Load((int*)(from + i));
            b ^= Vector512.Load((int*)(from + i + 64));
            c ^= Vector512.Load((int*)(from + i + 128));
            d ^= Vector512.Load((int*)(from + i + 192));
        }

        return Vector512.Sum(a ^ b ^ c ^ d);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float MultiplyAdd(int rounds)
    {
        var x = Vector512.Create(0.999f);
        var y = Vector512.Create(1e-3f);
        Vector512<float> a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
        for (var round = 0; round < rounds; round++)
        {
            a = Vector512.FusedMultiplyAdd(a, x, y);
            b = Vector512.FusedMultiplyAdd(b, x, y);
            c = Vector512.FusedMultiplyAdd(c, x, y);
            d = Vector512.FusedMultiplyAdd(d, x, y);
            e = Vector512.FusedMultiplyAdd(e, x, y);
            f = Vector512.FusedMultiplyAdd(f, x, y);
            g = Vector512.FusedMultiplyAdd(g, x, y);
            h = Vector512.FusedMultiplyAdd(h, x, y);
            i = Vector512.FusedMultiplyAdd(i, x, y);
            j = Vector512.FusedMultiplyAdd(j, x, y);
            k = Vector512.FusedMultiplyAdd(k, x, y);
            l = Vector512.FusedMultiplyAdd(l, x, y);
        }

        return Vector512.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }
}
