using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Sluice.Engine;

/// <summary>AVX-512: 16 lanes, 32 registers.</summary>
internal readonly unsafe struct Simd512 : ISimd<Vector512<float>, Vector512<int>>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    public static int Width => 16;
    public static int Registers => 32;

    public static Vector512<float> Zero
    {
        [MethodImpl(Inline)]
        get => Vector512<float>.Zero;
    }

    [MethodImpl(Inline)]
    public static Vector512<float> Load(float* at) => Vector512.Load(at);

    [MethodImpl(Inline)]
    public static void Store(float* at, Vector512<float> value) => value.Store(at);

    [MethodImpl(Inline)]
    public static Vector512<float> All(float value) => Vector512.Create(value);

    [MethodImpl(Inline)]
    public static Vector512<float> Fma(Vector512<float> a, Vector512<float> b, Vector512<float> c) =>
        Vector512.FusedMultiplyAdd(a, b, c);

    [MethodImpl(Inline)]
    public static Vector512<float> Multiply(Vector512<float> a, Vector512<float> b) => a * b;

    [MethodImpl(Inline)]
    public static Vector512<int> AllBits(int value) => Vector512.Create(value);

    [MethodImpl(Inline)]
    public static Vector512<int> LoadBits(void* at) => Vector512.Load((int*)at);

    [MethodImpl(Inline)]
    public static Vector512<int> WidenInt8(void* at) => Avx512F.ConvertToVector512Int32(Vector128.Load((sbyte*)at));

    [MethodImpl(Inline)]
    public static Vector512<int> WidenUInt8(void* at) => Avx512F.ConvertToVector512Int32(Vector128.Load((byte*)at));

    [MethodImpl(Inline)]
    public static Vector512<int> WidenInt16(void* at) => Avx512F.ConvertToVector512Int32(Vector256.Load((short*)at));

    [MethodImpl(Inline)]
    public static Vector512<int> WidenUInt16(void* at) => Avx512F.ConvertToVector512Int32(Vector256.Load((ushort*)at));

    [MethodImpl(Inline)]
    public static Vector512<int> And(Vector512<int> a, Vector512<int> b) => a & b;

    [MethodImpl(Inline)]
    public static Vector512<int> Or(Vector512<int> a, Vector512<int> b) => a | b;

    [MethodImpl(Inline)]
    public static Vector512<int> AddProducts(Vector512<int> a, Vector512<int> b, Vector512<int> c) =>
        Avx512BW.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16()) + c;

    [MethodImpl(Inline)]
    public static Vector512<int> RightInHalves(Vector512<int> a, int count) => (a.AsUInt16() >>> count).AsInt32();

    [MethodImpl(Inline)]
    public static Vector512<int> Left13(Vector512<int> a) => a << 13;

    [MethodImpl(Inline)]
    public static Vector512<int> Left16(Vector512<int> a) => a << 16;

    [MethodImpl(Inline)]
    public static Vector512<float> ToFloat(Vector512<int> a) => Vector512.ConvertToSingle(a);

    [MethodImpl(Inline)]
    public static Vector512<float> AsFloat(Vector512<int> a) => a.AsSingle();
}
