using System.Runtime.Intrinsics.X86;

namespace Sluice.Engine;

/// <summary>What kernels are compiled for. All give the same bits; they differ in speed.</summary>
internal enum InstructionSet { Portable, Avx2, Avx512 }

internal static class InstructionSets
{
    /// <summary>The best that this processor has, chosen once.</summary>
    public static InstructionSet Best { get; } =
        Has(InstructionSet.Avx512) ? InstructionSet.Avx512 :
        Has(InstructionSet.Avx2) ? InstructionSet.Avx2 :
        InstructionSet.Portable;

    public static bool Has(InstructionSet set) => set switch
    {
        InstructionSet.Avx512 => Avx512BW.IsSupported,
        InstructionSet.Avx2 => Avx2.IsSupported && Fma.IsSupported,
        _ => true,
    };
}
