using System.Runtime.InteropServices;

namespace Sluice.Engine;

/// <summary>Zeroed memory outside the collected heap, on a boundary of cache lines.</summary>
internal sealed unsafe class AlignedMemory : SafeHandle
{
    private const nuint Line = 64;

    public AlignedMemory(long bytes)
        : base(0, ownsHandle: true)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        Bytes = bytes;
        var at = NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), Line);
        NativeMemory.Clear(at, (nuint)bytes);
        SetHandle((nint)at);
        GC.AddMemoryPressure(Math.Max(bytes, 1));
    }

    public long Bytes { get; }
    public byte* At => (byte*)handle;
    public float* Floats => (float*)handle;
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree((void*)handle);
        GC.RemoveMemoryPressure(Math.Max(Bytes, 1));
        return true;
    }
}
