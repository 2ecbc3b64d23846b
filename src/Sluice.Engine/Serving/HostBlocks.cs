using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Host memory that swapped-out blocks go to. A block's memory is taken when it is first used and kept.</summary>
internal sealed class HostBlocks(int blocks, int blockBytes)
{
    private readonly byte[]?[] _blocks = new byte[blocks][];

    public Span<byte> this[int block] => _blocks[block] ??= GC.AllocateUninitializedArray<byte>(blockBytes);

    /// <summary>Makes the copies that a cache has listed, in order.</summary>
    public void Copy(ReadOnlySpan<BlockCopy> copies, ITransformer model)
    {
        foreach (var (source, target, kind) in copies)
        {
            if (kind == BlockCopyKind.DeviceToDevice) model.CopyBlock(source, target);
            else if (kind == BlockCopyKind.DeviceToHost) model.ExportBlock(source, this[target]);
            else model.ImportBlock(this[source], target);
        }
    }
}
