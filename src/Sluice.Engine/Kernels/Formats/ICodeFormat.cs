using System.Runtime.CompilerServices;

namespace Sluice.Engine;

/// <summary>Quantised weights: codes of a few bits, with scales for blocks of columns.</summary>
/// <remarks>A panel is a sequence of super-blocks with a header, in them blocks with a header, in them groups: words of 32
/// bits, one per row, or three. Each half of a word holds codes of its own; two neighbouring columns lie at the same place in
/// both halves, so that a shift and a mask give them as 16-bit numbers, ready to be multiplied in pairs. A super-block's header
/// is a half as scale for each row, and where there are minima a half as minimum for each; the header of a block is a byte as
/// scale for each row and then a byte as minimum, where a format has such.</remarks>
internal unsafe interface ICodeFormat
{
    static abstract int CodeBits { get; }

    /// <summary>Taken off every code: codes are stored unsigned.</summary>
    static abstract int Offset { get; }

    /// <summary>Whether a block has a minimum that is taken off its scaled codes.</summary>
    static abstract bool HasMinimum { get; }

    /// <summary>Columns of a super-block, of a block, of a group.</summary>
    static abstract int SuperColumns { get; }
    static abstract int BlockColumns { get; }
    static abstract int GroupColumns { get; }

    static abstract int SuperHeaderBytes { get; }
    static abstract int BlockHeaderBytes { get; }
    static abstract int GroupBytes { get; }

    /// <summary>The codes of columns 2·<paramref name="pair"/> and 2·<paramref name="pair"/> + 1 of a group, in the lower
    /// and upper half of a word per row.</summary>
    /// <param name="group">Where the group begins for the first of the rows.</param>
    /// <param name="pair">A constant where this is called.</param>
    static abstract TI Pair<TS, TF, TI>(byte* group, int pair)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged;

    /// <summary>The scales of a block, given its super-block's.</summary>
    /// <param name="block">Where its header begins for the first of the rows.</param>
    static abstract TF Part<TS, TF, TI>(TF scale, byte* block)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged;
}

/// <summary>How codes of a width lie in words.</summary>
internal static unsafe class CodeWords
{
    /// <summary>Eight columns to a word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TI FourBits<TS, TF, TI>(byte* group, int pair)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged
    {
        var words = TS.LoadBits(group);
        if (pair == 3) return TS.RightInHalves(words, 12);
        return TS.And(pair == 0 ? words : TS.RightInHalves(words, 4 * pair), TS.AllBits(0x000F000F));
    }

    /// <summary>Four columns to a word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TI EightBits<TS, TF, TI>(byte* group, int pair)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged
    {
        var words = TS.LoadBits(group);
        return pair == 0 ? TS.And(words, TS.AllBits(0x00FF00FF)) : TS.RightInHalves(words, 8);
    }

    /// <summary>Sixteen columns to three words: two pairs in each word's lower twelve bits; the last two pairs lie in the
    /// upper four bits of the first two words, and their own upper bits in those of the third.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TI SixBits<TS, TF, TI>(byte* group, int pair)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged
    {
        const int word = 4 * Panel.Rows;
        if (pair < 6)
        {
            var words = TS.LoadBits(group + pair / 2 * word);
            return TS.And(pair % 2 == 0 ? words : TS.RightInHalves(words, 6), TS.AllBits(0x003F003F));
        }

        var low = TS.RightInHalves(TS.LoadBits(group + (pair - 6) * word), 12);
        var high = TS.RightInHalves(TS.LoadBits(group + 2 * word), pair == 6 ? 8 : 10);
        return TS.Or(low, TS.And(high, TS.AllBits(0x00300030)));
    }
}
