using System.Runtime.CompilerServices;

namespace Sluice.Engine;

/// <summary>Eight bits, a half as scale per 32 columns (Q8_0).</summary>
internal readonly unsafe struct Q8Format : ICodeFormat
{
    public static int CodeBits => 8;
    public static int Offset => 128;
    public static bool HasMinimum => false;
    public static int SuperColumns => 32;
    public static int BlockColumns => 32;
    public static int GroupColumns => 4;
    public static int SuperHeaderBytes => 128;
    public static int BlockHeaderBytes => 0;
    public static int GroupBytes => 256;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TI Pair<TS, TF, TI>(byte* group, int pair)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        CodeWords.EightBits<TS, TF, TI>(group, pair);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Part<TS, TF, TI>(TF scale, byte* block)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        scale;
}

/// <summary>Four bits, a half as scale per 32 columns (Q4_0).</summary>
internal readonly unsafe struct Q4Format : ICodeFormat
{
    public static int CodeBits => 4;
    public static int Offset => 8;
    public static bool HasMinimum => false;
    public static int SuperColumns => 32;
    public static int BlockColumns => 32;
    public static int GroupColumns => 8;
    public static int SuperHeaderBytes => 128;
    public static int BlockHeaderBytes => 0;
    public static int GroupBytes => 256;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TI Pair<TS, TF, TI>(byte* group, int pair)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        CodeWords.FourBits<TS, TF, TI>(group, pair);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Part<TS, TF, TI>(TF scale, byte* block)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        scale;
}

/// <summary>Four bits; scale and minimum per 32 columns are bytes, times halves per 256 columns (Q4_K).</summary>
internal readonly unsafe struct Q4KFormat : ICodeFormat
{
    public static int CodeBits => 4;
    public static int Offset => 0;
    public static bool HasMinimum => true;
    public static int SuperColumns => 256;
    public static int BlockColumns => 32;
    public static int GroupColumns => 8;
    public static int SuperHeaderBytes => 256;
    public static int BlockHeaderBytes => 128;
    public static int GroupBytes => 256;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TI Pair<TS, TF, TI>(byte* group, int pair)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        CodeWords.FourBits<TS, TF, TI>(group, pair);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Part<TS, TF, TI>(TF scale, byte* block)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Multiply(scale, TS.ToFloat(TS.WidenUInt8(block)));
}

/// <summary>Five bits in the place of six, scaled as <see cref="Q4KFormat"/> (Q5_K).</summary>
internal readonly unsafe struct Q5KFormat : ICodeFormat
{
    public static int CodeBits => 6;
    public static int Offset => 0;
    public static bool HasMinimum => true;
    public static int SuperColumns => 256;
    public static int BlockColumns => 32;
    public static int GroupColumns => 16;
    public static int SuperHeaderBytes => 256;
    public static int BlockHeaderBytes => 128;
    public static int GroupBytes => 768;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TI Pair<TS, TF, TI>(byte* group, int pair)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        CodeWords.SixBits<TS, TF, TI>(group, pair);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Part<TS, TF, TI>(TF scale, byte* block)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Multiply(scale, TS.ToFloat(TS.WidenUInt8(block)));
}

/// <summary>Six bits; the scale per 16 columns is a signed byte, times a half per 256 columns (Q6_K).</summary>
internal readonly unsafe struct Q6KFormat : ICodeFormat
{
    public static int CodeBits => 6;
    public static int Offset => 32;
    public static bool HasMinimum => false;
    public static int SuperColumns => 256;
    public static int BlockColumns => 16;
    public static int GroupColumns => 16;
    public static int SuperHeaderBytes => 128;
    public static int BlockHeaderBytes => 64;
    public static int GroupBytes => 768;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TI Pair<TS, TF, TI>(byte* group, int pair)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        CodeWords.SixBits<TS, TF, TI>(group, pair);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TF Part<TS, TF, TI>(TF scale, byte* block)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        TS.Multiply(scale, TS.ToFloat(TS.WidenInt8(block)));
}
