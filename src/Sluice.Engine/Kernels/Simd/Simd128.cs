using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Sluice.Engine;

/// <summary>Four lanes in terms that every machine has; fast on Arm, slow but right without a fused multiply-add.</summary>
internal readonly unsafe struct Simd128 : ISimd<Vector128<float>, Vector128<int>>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    public static int Width => 4;
    public static int Registers => 16;

    public static Vector128<float> Zero
    {
        [MethodImpl(Inline)]
        get => Vector128<float>.Zero;
    }

    [MethodImpl(Inline)]
    public static Vector128<float> Load(float* at) => Vector128.Load(at);

    [MethodImpl(Inline)]
    public static void Store(float* at, Vector128<float> value) => value.Store(at);

    [MethodImpl(Inline)]
    public static Vector128<float> All(float value) => Vector128.Create(value);

    [MethodImpl(Inline)]
    public static Vector128<float> Fma(Vector128<float> a, Vector128<float> b, Vector128<float> c) =>
        Vector128.FusedMultiplyAdd(a, b, c);

    [MethodImpl(Inline)]
    public static Vector128<float> Multiply(Vector128<float> a, Vector128<float> b) => a * b;

    [MethodImpl(Inline)]
    public static Vector128<int> AllBits(int value) => Vector128.Create(value);

    [MethodImpl(Inline)]
    public static Vector128<int> LoadBits(void* at) => Vector128.Load((int*)at);

    [MethodImpl(Inline)]
    public static Vector128<int> WidenInt8(void* at) =>
        Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<int>(at)).AsSByte()));

    [MethodImpl(Inline)]
    public static Vector128<int> WidenUInt8(void* at) =>
        Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<int>(at)).AsByte())).AsInt32();

    [MethodImpl(Inline)]
    public static Vector128<int> WidenInt16(void* at) =>
        Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<long>(at)).AsInt16());

    [MethodImpl(Inline)]
    public static Vector128<int> WidenUInt16(void* at) =>
        Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<long>(at)).AsUInt16()).AsInt32();

    [MethodImpl(Inline)]
    public static Vector128<int> And(Vector128<int> a, Vector128<int> b) => a & b;

    [MethodImpl(Inline)]
    public static Vector128<int> Or(Vector128<int> a, Vector128<int> b) => a | b;

    [MethodImpl(Inline)]
    public static Vector128<int> AddProducts(Vector128<int> a, Vector128<int> b, Vector128<int> c) =>
        ((a << 16) >> 16) * ((b << 16) >> 16) + (a >> 16) * (b >> 16) + c;

    [MethodImpl(Inline)]
    public static Vector128<int> RightInHalves(Vector128<int> a, int count) => (a.AsUInt16() >>> count).AsInt32();

    [MethodImpl(Inline)]
    public static Vector128<int> Left13(Vector128<int> a) => a << 13;

    [MethodImpl(Inline)]
    public static Vector128<int> Left16(Vector128<int> a) => a << 16;

    [MethodImpl(Inline)]
    public static Vector128<float> ToFloat(Vector128<int> a) => Vector128.ConvertToSingle(a);

    [MethodImpl(Inline)]
    public static Vector128<float> AsFloat(Vector128<int> a) => a.AsSingle();
}
