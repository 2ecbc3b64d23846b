using Sluice.Core;

namespace Sluice.Simulation;

public enum Outcome : byte { Unfinished, Finished, Rejected, Cancelled, Failed }

/// <summary>What happened to each request, as columns indexed by <see cref="RequestId.Value"/>. Times are instants in
/// ticks of 100 ns as the caller saw them (delivery included); -1 where it did not happen.</summary>
public sealed class RequestLog(int requests)
{
    public int Count { get; } = requests;
    public long[] Arrival { get; } = Filled(requests);

    /// <summary>Handed to an engine for the last time.</summary>
    public long[] Dispatched { get; } = Filled(requests);

    /// <summary>Entered a running batch for the first time.</summary>
    public long[] Started { get; } = Filled(requests);
    public long[] FirstToken { get; } = Filled(requests);

    /// <summary>Last token, refusal, cancellation or failure.</summary>
    public long[] Ended { get; } = Filled(requests);

    /// <summary>Output tokens produced; less than asked for when it did not finish.</summary>
    public int[] OutputTokens { get; } = new int[requests];
    /// <summary>Lateness of its latest token for a steady reader, see <see cref="ReaderLag"/>; <see cref="long.MinValue"/>
    /// where there was no token.</summary>
    public long[] LagTicks { get; } = Filled(requests, long.MinValue);
    public int[] CachedPromptTokens { get; } = new int[requests];

    /// <summary>Index of the engine that served it last, or -1.</summary>
    public short[] Engine { get; } = FilledShort(requests);
    public ushort[] Preemptions { get; } = new ushort[requests];

    /// <summary>An engine served it as best effort, because its promise could not be kept or others went first.</summary>
    public bool[] Relegated { get; } = new bool[requests];

    /// <summary>Engines that handed it back unserved, up to 255.</summary>
    public byte[] Declines { get; } = new byte[requests];
    public Outcome[] Outcome { get; } = new Outcome[requests];

    private static long[] Filled(int n, long value = -1)
    {
        var column = new long[n];
        Array.Fill(column, value);
        return column;
    }

    private static short[] FilledShort(int n)
    {
        var column = new short[n];
        Array.Fill(column, (short)-1);
        return column;
    }
}
