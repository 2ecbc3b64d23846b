using System.Runtime.Intrinsics;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>How activations must be prepared for a format: matrices of one form share the work.</summary>
/// <param name="Scale1">Factor of columns 1, 5, 9 and so on; likewise the others. Powers of two.</param>
/// <param name="SumColumns">Columns per sum; 0 for none.</param>
internal readonly record struct ActivationForm(float Scale0, float Scale1, float Scale2, float Scale3, int SumColumns);

/// <summary>The kernels of one format on one instruction set; see <see cref="Tiles{TS,TF,TI,TFormat}"/> for their
/// parameters.</summary>
internal readonly unsafe struct TileSet
{
    public required delegate*<byte*, int, float*, float*, float*, void> One { get; init; }
    public required delegate*<byte*, int, float*, float*, float*, void> Two { get; init; }
    public required delegate*<byte*, int, float*, float*, float*, void> Four { get; init; }

    /// <summary>Writes a panel's weights as floats, in the layout of <see cref="F32Format"/>; for formats without
    /// scales.</summary>
    public required delegate*<byte*, int, float*, void> Expand { get; init; }

    /// <param name="rows">1, 2 or 4.</param>
    public void Run(int rows, byte* panel, int columns, float* x, float* sums, float* to)
    {
        var kernel = rows switch { 1 => One, 2 => Two, _ => Four };
        kernel(panel, columns, x, sums, to);
    }
}

/// <summary>What the code around the kernels must know of a format: <see cref="IWeightFormat"/> with its type argument
/// closed.</summary>
/// <param name="Expanded">Where converting weights for every tile anew costs more than the multiply-adds leave room for: the
/// format that many rows compute with, after <see cref="TileSet.Expand"/>. Products then lack
/// <see cref="OutputScale"/>.</param>
internal sealed record PanelFormat(
    GgufTensorType Type, bool IsScaled, bool HasHighBits, int SuperColumns, int BlockColumns, int GroupColumns,
    int SuperHeaderBytes, int BlockHeaderBytes, int GroupBytes, ActivationForm Form, TileSet Tiles,
    float OutputScale, PanelFormat? Expanded)
{
    /// <summary>Bytes of a panel of 64 rows.</summary>
    /// <param name="columns">A multiple of <see cref="SuperColumns"/>.</param>
    public long PanelBytes(int columns)
    {
        Check.That(columns % SuperColumns == 0);
        return columns / SuperColumns * (long)SuperHeaderBytes + columns / BlockColumns * (long)BlockHeaderBytes
            + columns / GroupColumns * (long)GroupBytes;
    }

    public static PanelFormat Of(GgufTensorType type, InstructionSet set) => set switch
    {
        InstructionSet.Avx512 => Of<Simd512, Vector512<float>, Vector512<int>>(type),
        InstructionSet.Avx2 => Of<Simd256, Vector256<float>, Vector256<int>>(type),
        _ => Of<Simd128, Vector128<float>, Vector128<int>>(type),
    };

    private static PanelFormat Of<TS, TF, TI>(GgufTensorType type)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged => type switch
    {
        GgufTensorType.F32 => Make<TS, TF, TI, F32Format>(type),
        GgufTensorType.F16 => Make<TS, TF, TI, F16Format>(type),
        GgufTensorType.BF16 => Make<TS, TF, TI, BF16Format>(type),
        GgufTensorType.Q8_0 => Make<TS, TF, TI, Q8Format>(type),
        GgufTensorType.Q4_0 => Make<TS, TF, TI, Q4Format>(type),
        GgufTensorType.Q4_K => Make<TS, TF, TI, Q4KFormat>(type),
        GgufTensorType.Q5_K => Make<TS, TF, TI, Q5KFormat>(type),
        GgufTensorType.Q6_K => Make<TS, TF, TI, Q6KFormat>(type),
        _ => throw new InvariantException($"a tensor of type {type} passed the reader's check"),
    };

    private static unsafe PanelFormat Make<TS, TF, TI, TFormat>(GgufTensorType type)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged where TFormat : struct, IWeightFormat => new(
        type, TFormat.IsScaled, TFormat.HasHighBits, TFormat.SuperColumns, TFormat.BlockColumns, TFormat.GroupColumns,
        TFormat.SuperHeaderBytes, TFormat.BlockHeaderBytes, TFormat.GroupBytes,
        new(TFormat.ActivationScale(0), TFormat.ActivationScale(1), TFormat.ActivationScale(2), TFormat.ActivationScale(3),
            TFormat.HasMinimum ? TFormat.BlockColumns : 0),
        new TileSet
        {
            One = &Tiles<TS, TF, TI, TFormat>.One,
            Two = &Tiles<TS, TF, TI, TFormat>.Two,
            Four = TS.Registers == 32 ? &Tiles<TS, TF, TI, TFormat>.FourWide : &Tiles<TS, TF, TI, TFormat>.Four,
            Expand = &Tiles<TS, TF, TI, TFormat>.Expand,
        },
        TFormat.OutputScale, type == GgufTensorType.F16 ? Make<TS, TF, TI, F32Format>(GgufTensorType.F32) : null);
}
