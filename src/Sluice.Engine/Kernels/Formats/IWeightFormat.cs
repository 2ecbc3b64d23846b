using System.Runtime.CompilerServices;

namespace Sluice.Engine;

/// <summary>How weights lie in a panel of <see cref="Panel.Rows"/> rows, and how registers read them.</summary>
/// <remarks><para>A panel goes through the columns from first to last: super-blocks with a header, in them blocks with a
/// header, in them groups of a few columns. Within a group each of the 64 rows has its own lane, so that sums run along the
/// columns and never across lanes.</para>
/// <para>Per block, scaled formats sum code · x first and multiply by the row's scale then, less the row's minimum times the
/// sum of x: the arithmetic per weight is one conversion and one multiply-add.</para></remarks>
internal unsafe interface IWeightFormat
{
    /// <summary>Whether blocks carry scales. Without, a panel is one block.</summary>
    static abstract bool IsScaled { get; }

    /// <summary>Whether a minimum is taken off, so that sums of x per block are needed.</summary>
    static abstract bool HasMinimum { get; }

    /// <summary>Whether codes have two more bits in a second register.</summary>
    static abstract bool HasHighBits { get; }

    /// <summary>Columns of a super-block, of a block, of a group.</summary>
    static abstract int SuperColumns { get; }
    static abstract int BlockColumns { get; }
    static abstract int GroupColumns { get; }

    /// <summary>Columns that one mask walks through before the registers are shifted on: 1 or 4.</summary>
    static abstract int RunColumns { get; }

    static abstract int SuperHeaderBytes { get; }
    static abstract int BlockHeaderBytes { get; }
    static abstract int GroupBytes { get; }

    /// <summary>What activations are multiplied by in column c mod 4, a power of two: it makes up for where in a word the
    /// weight was left lying.</summary>
    static abstract float ActivationScale(int column);

    /// <summary>What sums are multiplied by at the end, a power of two.</summary>
    static abstract float OutputScale { get; }

    /// <summary>The words of a group for the rows from <paramref name="row"/> on.</summary>
    static abstract TI Load<TS, TF, TI>(byte* group, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged;

    /// <summary>The words of the two more bits.</summary>
    static abstract TI LoadHigh<TS, TF, TI>(byte* group, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged;

    /// <summary>The weights, or codes, of one column.</summary>
    /// <param name="mask">Where the column's four bits are; where there are two more, they come next.</param>
    static abstract TF Value<TS, TF, TI>(TI words, TI high, TI mask)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged;

    /// <summary>Scales of a super-block.</summary>
    static abstract TF Scale<TS, TF, TI>(byte* superBlock, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged;

    static abstract TF Minimum<TS, TF, TI>(byte* superBlock, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged;

    /// <summary>The factor of a block, where blocks have headers.</summary>
    static abstract TF PartScale<TS, TF, TI>(byte* block, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged;

    static abstract TF PartMinimum<TS, TF, TI>(byte* block, int row)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged;
}

/// <summary>What every format shares.</summary>
internal static unsafe class Panel
{
    /// <summary>Rows side by side: four registers of 16 lanes, so that one row of activations has four sums running and
    /// hides the latency of a multiply-add.</summary>
    public const int Rows = 64;

    /// <summary>Two to the 112: what a half read as the upper part of a float lacks.</summary>
    public const float HalfBias = 5.192296858534828e33f;

    /// <summary>Halves as floats, without the factor <see cref="HalfBias"/>. Infinities become 65536.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF HalfBits<TS, TF, TI>(TI words)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.AsFloat(TS.And(TS.Left13(words), TS.AllBits(unchecked((int)0x8FFFE000))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Halves<TS, TF, TI>(byte* at)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Multiply(HalfBits<TS, TF, TI>(TS.WidenInt16(at)), TS.All(HalfBias));
}
