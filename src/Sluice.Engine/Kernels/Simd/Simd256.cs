using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Sluice.Engine;

/// <summary>AVX2 with FMA: 8 lanes, 16 registers.</summary>
internal readonly unsafe struct Simd256 : ISimd<Vector256<float>, Vector256<int>>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    public static int Width => 8;
    public static int Registers => 16;

    public static Vector256<float> Zero
    {
        [MethodImpl(Inline)]
        get => Vector256<float>.Zero;
    }

    [MethodImpl(Inline)]
    public static Vector256<float> Load(float* at) => Vector256.Load(at);

    [MethodImpl(Inline)]
    public static void Store(float* at, Vector256<float> value) => value.Store(at);

    [MethodImpl(Inline)]
    public static Vector256<float> All(float value) => Vector256.Create(value);

    [MethodImpl(Inline)]
    public static Vector256<float> Fma(Vector256<float> a, Vector256<float> b, Vector256<float> c) =>
        Vector256.FusedMultiplyAdd(a, b, c);

    [MethodImpl(Inline)]
    public static Vector256<float> Multiply(Vector256<float> a, Vector256<float> b) => a * b;

    [MethodImpl(Inline)]
    public static Vector256<int> AllBits(int value) => Vector256.Create(value);

    [MethodImpl(Inline)]
    public static Vector256<int> LoadBits(void* at) => Vector256.Load((int*)at);

    [MethodImpl(Inline)]
    public static Vector256<int> WidenInt8(void* at) => Avx2.ConvertToVector256Int32((sbyte*)at);

    [MethodImpl(Inline)]
    public static Vector256<int> WidenUInt8(void* at) => Avx2.ConvertToVector256Int32((byte*)at);

    [MethodImpl(Inline)]
    public static Vector256<int> WidenInt16(void* at) => Avx2.ConvertToVector256Int32((short*)at);

    [MethodImpl(Inline)]
    public static Vector256<int> WidenUInt16(void* at) => Avx2.ConvertToVector256Int32((ushort*)at);

    [MethodImpl(Inline)]
    public static Vector256<int> And(Vector256<int> a, Vector256<int> b) => a & b;

    [MethodImpl(Inline)]
    public static Vector256<int> Or(Vector256<int> a, Vector256<int> b) => a | b;

    [MethodImpl(Inline)]
    public static Vector256<int> AddProducts(Vector256<int> a, Vector256<int> b, Vector256<int> c) =>
        Avx2.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16()) + c;

    [MethodImpl(Inline)]
    public static Vector256<int> RightInHalves(Vector256<int> a, int count) => (a.AsUInt16() >>> count).AsInt32();

    [MethodImpl(Inline)]
    public static Vector256<int> Left13(Vector256<int> a) => a << 13;

    [MethodImpl(Inline)]
    public static Vector256<int> Left16(Vector256<int> a) => a << 16;

    [MethodImpl(Inline)]
    public static Vector256<float> ToFloat(Vector256<int> a) => Vector256.ConvertToSingle(a);

    [MethodImpl(Inline)]
    public static Vector256<float> AsFloat(Vector256<int> a) => a.AsSingle();
}
