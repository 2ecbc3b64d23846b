using System.Runtime.Intrinsics;

namespace Sluice.Engine;

/// <summary>How keys and values are kept.</summary>
public enum KvType
{
    /// <summary>Exact, and twice as large.</summary>
    F32,

    F16,
}

/// <summary>The attention kernels of one instruction set and one kind of KV store; see
/// <see cref="AttentionTiles{TS,TF,TI,TFormat,TQueries}"/> for their parameters.</summary>
internal readonly unsafe struct AttentionKernels
{
    private readonly delegate*<float*, int, byte*, byte*, float*, int, void> _scores4;
    private readonly delegate*<float*, int, byte*, byte*, float*, int, void> _scores8;
    private readonly delegate*<float*, int, int, nint*, int, float*, void> _values4;
    private readonly delegate*<float*, int, int, nint*, int, float*, void> _values8;

    private AttentionKernels(
        delegate*<float*, int, byte*, byte*, float*, int, void> scores4,
        delegate*<float*, int, byte*, byte*, float*, int, void> scores8,
        delegate*<float*, int, int, nint*, int, float*, void> values4,
        delegate*<float*, int, int, nint*, int, float*, void> values8,
        float inputScale, int queriesMax)
    {
        _scores4 = scores4;
        _scores8 = scores8;
        _values4 = values4;
        _values8 = values8;
        (InputScale, QueriesMax) = (inputScale, queriesMax);
    }

    /// <summary>What queries and weights are multiplied by before.</summary>
    public float InputScale { get; }

    /// <summary>Queries side by side: 4 or 8.</summary>
    public int QueriesMax { get; }

    /// <param name="queries">4 or 8.</param>
    public void Scores(int queries, float* packed, int headDim, byte* keys0, byte* keys1, float* to, int stride)
    {
        if (queries == 4) _scores4(packed, headDim, keys0, keys1, to, stride);
        else _scores8(packed, headDim, keys0, keys1, to, stride);
    }

    public void Values(int queries, float* weights, int stride, int tokens, nint* tiles, int width, float* to)
    {
        if (queries == 4) _values4(weights, stride, tokens, tiles, width, to);
        else _values8(weights, stride, tokens, tiles, width, to);
    }

    public static AttentionKernels Of(KvType type, InstructionSet set) => set switch
    {
        InstructionSet.Avx512 => Of<Simd512, Vector512<float>, Vector512<int>>(type),
        InstructionSet.Avx2 => Of<Simd256, Vector256<float>, Vector256<int>>(type),
        _ => Of<Simd128, Vector128<float>, Vector128<int>>(type),
    };

    private static AttentionKernels Of<TS, TF, TI>(KvType type)
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged =>
        type == KvType.F32 ? Make<TS, TF, TI, F32Format>() : Make<TS, TF, TI, F16Format>();

    private static AttentionKernels Make<TS, TF, TI, TFormat>()
        where TS : struct, ISimd<TF, TI> where TF : unmanaged where TI : unmanaged where TFormat : struct, IWholeFormat => new(
        &AttentionTiles<TS, TF, TI, TFormat, FourRows>.Scores, &AttentionTiles<TS, TF, TI, TFormat, EightRows>.Scores,
        &AttentionTiles<TS, TF, TI, TFormat, FourRows>.Values, &AttentionTiles<TS, TF, TI, TFormat, EightRows>.Values,
        TFormat.ActivationFactor, TS.Registers == 32 ? 8 : 4);
}
