using Sluice.Core;

namespace Sluice.Engine;

/// <summary>A weight matrix laid out for the kernels, in panels of 64 rows.</summary>
/// <remarks>It is a copy as large as the tensor, so that every kernel reads it in one stream, from first byte to last.
/// Read-only once made: any thread may compute with it.</remarks>
internal sealed unsafe class PackedMatrix : IDisposable
{
    private readonly AlignedMemory _memory;
    private readonly long _panelBytes;

    private PackedMatrix(PanelFormat format, int rows, int columns)
    {
        (Format, Rows, Columns) = (format, rows, columns);
        Panels = (rows + Panel.Rows - 1) / Panel.Rows;
        _panelBytes = format.PanelBytes(columns);
        _memory = new(Panels * _panelBytes);
    }

    public PanelFormat Format { get; }

    /// <summary>Outputs.</summary>
    public int Rows { get; }

    /// <summary>Inputs.</summary>
    public int Columns { get; }

    public int Panels { get; }
    public long Bytes => _memory.Bytes;

    public static PackedMatrix Of(GgufTensor tensor, InstructionSet set, int expert = 0) => Of(
        tensor.Type, tensor.Data + expert * tensor.Dimension(1) * tensor.RowBytes, checked((int)tensor.Dimension(1)),
        checked((int)tensor.RowElements), set);

    public static PackedMatrix Of(GgufTensorType type, byte* from, int rows, int columns, InstructionSet set)
    {
        Check.That(rows > 0 && columns > 0);
        var matrix = new PackedMatrix(PanelFormat.Of(type, set), rows, columns);
        var rowBytes = (long)columns / type.BlockElements() * type.BlockBytes();
        var source = (nint)from;
        Parallel.For(0, matrix.Panels, p => PanelPacking.Pack(
            matrix.Format, (byte*)source + p * Panel.Rows * rowBytes, rowBytes, Math.Min(Panel.Rows, rows - p * Panel.Rows),
            columns, matrix.At(p)));
        return matrix;
    }

    public byte* At(int panel) => _memory.At + panel * _panelBytes;

    public void Dispose() => _memory.Dispose();
}
