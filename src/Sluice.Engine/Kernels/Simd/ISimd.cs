namespace Sluice.Engine;

/// <summary>The few vector operations that kernels are written in, at one width. A kernel is generic over it, so the compiler
/// makes one body per instruction set from one source.</summary>
/// <remarks>Every operation gives the same bits per lane at every width, and kernels never add across lanes: so a result does
/// not depend on the machine's instruction set either.</remarks>
/// <typeparam name="TF">Vector of floats.</typeparam>
/// <typeparam name="TI">Vector of as many 32-bit integers.</typeparam>
internal unsafe interface ISimd<TF, TI>
    where TF : unmanaged
    where TI : unmanaged
{
    /// <summary>Lanes; a power of two up to 16.</summary>
    static abstract int Width { get; }

    /// <summary>16 or 32: how many sums may be kept at once.</summary>
    static abstract int Registers { get; }

    static abstract TF Zero { get; }
    static abstract TF Load(float* at);
    static abstract void Store(float* at, TF value);

    /// <summary>One float in every lane.</summary>
    static abstract TF All(float value);

    /// <summary>a·b + c, rounded once.</summary>
    static abstract TF Fma(TF a, TF b, TF c);

    static abstract TF Multiply(TF a, TF b);

    static abstract TI AllBits(int value);
    static abstract TI LoadBits(void* at);
    static abstract TI WidenInt8(void* at);
    static abstract TI WidenUInt8(void* at);
    static abstract TI WidenInt16(void* at);
    static abstract TI WidenUInt16(void* at);
    static abstract TI And(TI a, TI b);

    static abstract TI Or(TI a, TI b);

    /// <summary>The products of the lower halves and of the upper halves of each lane, as signed numbers of 16 bits, added to
    /// the lane of <paramref name="c"/>.</summary>
    static abstract TI AddProducts(TI a, TI b, TI c);

    /// <summary>Each half of a lane shifted right by itself, zeros following.</summary>
    static abstract TI RightInHalves(TI a, int count);

    static abstract TI Left13(TI a);
    static abstract TI Left16(TI a);

    /// <summary>The signed number in each lane.</summary>
    static abstract TF ToFloat(TI a);

    /// <summary>The same bits.</summary>
    static abstract TF AsFloat(TI a);
}
