using System.Runtime.Intrinsics;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>How activations must be prepared for a format: matrices of one form share the work.</summary>
/// <param name="Factor">Of floats; a power of two.</param>
/// <param name="SuperColumns">0 for floats; else columns that share a scale, see <see cref="ActivationCodes"/>.</param>
/// <param name="BlockColumns">Columns per sum.</param>
/// <param name="Offset">Of the weights' codes.</param>
internal readonly record struct ActivationForm(float Factor, int SuperColumns = 0, int BlockColumns = 0, int Offset = 0)
{
    public bool IsCoded => SuperColumns > 0;

    /// <summary>Scales and sums of a row.</summary>
    public int ScalesPerRow(int columns) => columns / SuperColumns + columns / BlockColumns;
}

/// <summary>The kernels of one format on one instruction set; see <see cref="WholeTiles{TS,TF,TI,TFormat,TRows}"/> and
/// <see cref="CodeTiles{TS,TF,TI,TFormat,TRows}"/> for their parameters.</summary>
internal readonly unsafe struct TileSet
{
    public required delegate*<byte*, int, void*, float*, float*, void> One { get; init; }
    public required delegate*<byte*, int, void*, float*, float*, void> Two { get; init; }
    public required delegate*<byte*, int, void*, float*, float*, void> Four { get; init; }

    /// <summary>Writes a panel's weights as floats, in the layout of <see cref="F32Format"/>; null where that does not
    /// pay.</summary>
    public delegate*<byte*, int, float*, void> Expand { get; init; }

    /// <param name="rows">1, 2 or 4.</param>
    public void Run(int rows, byte* panel, int columns, float* x, float* scales, float* to)
    {
        var kernel = rows switch { 1 => One, 2 => Two, _ => Four };
        kernel(panel, columns, x, scales, to);
    }
}

/// <summary><see cref="ICodeFormat"/> as numbers, for the code around the kernels.</summary>
internal sealed record CodeLayout(
    int CodeBits, int SuperColumns, int BlockColumns, int GroupColumns, int SuperHeaderBytes, int BlockHeaderBytes,
    int GroupBytes);

/// <summary>What the code around the kernels must know of a format.</summary>
/// <param name="ColumnBytes">Of a panel; where weights are whole.</param>
/// <param name="Codes">Where they are quantised.</param>
/// <param name="OutputFactor">See <see cref="IWholeFormat"/>.</param>
/// <param name="Expanded">Where converting weights for every tile anew costs more than the multiply-adds leave room for: the
/// format that many rows compute with, after <see cref="TileSet.Expand"/>. Products then lack
/// <see cref="OutputFactor"/>.</param>
internal sealed record PanelFormat(
    GgufTensorType Type, int ColumnBytes, CodeLayout? Codes, ActivationForm Form, TileSet Tiles, float OutputFactor,
    PanelFormat? Expanded)
{
    /// <summary>Bytes of a panel of 64 rows.</summary>
    /// <param name="columns">A multiple of a super-block's.</param>
    public long PanelBytes(int columns)
    {
        if (Codes is null) return (long)columns * ColumnBytes;
        Check.That(columns % Codes.SuperColumns == 0);
        return columns / Codes.SuperColumns * (long)Codes.SuperHeaderBytes
            + columns / Codes.BlockColumns * (long)Codes.BlockHeaderBytes
            + columns / Codes.GroupColumns * (long)Codes.GroupBytes;
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
        GgufTensorType.F32 => Whole<TS, TF, TI, F32Format>(type),
        GgufTensorType.F16 => Whole<TS, TF, TI, F16Format>(type),
        GgufTensorType.BF16 => Whole<TS, TF, TI, BF16Format>(type),
        GgufTensorType.Q8_0 => Coded<TS, TF, TI, Q8Format>(type),
        GgufTensorType.Q4_0 => Coded<TS, TF, TI, Q4Format>(type),
        GgufTensorType.Q4_K => Coded<TS, TF, TI, Q4KFormat>(type),
        GgufTensorType.Q5_K => Coded<TS, TF, TI, Q5KFormat>(type),
        GgufTensorType.Q6_K => Coded<TS, TF, TI, Q6KFormat>(type),
        _ => throw new InvariantException($"a tensor of type {type} passed the reader's check"),
    };

    private static unsafe PanelFormat Whole<TS, TF, TI, TFormat>(GgufTensorType type)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged where TFormat : struct, IWholeFormat => new(
        type, TFormat.ColumnBytes, null, new(TFormat.ActivationFactor),
        new TileSet
        {
            One = &WholeTiles<TS, TF, TI, TFormat, OneRow>.Run,
            Two = &WholeTiles<TS, TF, TI, TFormat, TwoRows>.Run,
            Four = &WholeTiles<TS, TF, TI, TFormat, FourRows>.Run,
            Expand = &WholeTiles<TS, TF, TI, TFormat, OneRow>.Expand,
        },
        TFormat.OutputFactor, type == GgufTensorType.F16 ? Whole<TS, TF, TI, F32Format>(GgufTensorType.F32) : null);

    private static unsafe PanelFormat Coded<TS, TF, TI, TFormat>(GgufTensorType type)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged where TFormat : struct, ICodeFormat => new(
        type, 0,
        new(TFormat.CodeBits, TFormat.SuperColumns, TFormat.BlockColumns, TFormat.GroupColumns, TFormat.SuperHeaderBytes,
            TFormat.BlockHeaderBytes, TFormat.GroupBytes),
        new(1, TFormat.SuperColumns, TFormat.BlockColumns, TFormat.Offset),
        new TileSet
        {
            One = &CodeTiles<TS, TF, TI, TFormat, OneRow>.Run,
            Two = &CodeTiles<TS, TF, TI, TFormat, TwoRows>.Run,
            Four = &CodeTiles<TS, TF, TI, TFormat, FourRows>.Run,
        },
        1, null);
}
