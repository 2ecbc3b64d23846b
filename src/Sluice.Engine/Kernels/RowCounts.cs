namespace Sluice.Engine;

/// <summary>How many rows of activations a kernel multiplies at a time. Kernels are generic over it: what is not needed for
/// fewer rows disappears when the body is compiled.</summary>
internal interface IRowCount
{
    static abstract int Rows { get; }
}

internal readonly struct OneRow : IRowCount
{
    public static int Rows => 1;
}

internal readonly struct TwoRows : IRowCount
{
    public static int Rows => 2;
}

internal readonly struct FourRows : IRowCount
{
    public static int Rows => 4;
}

internal readonly struct EightRows : IRowCount
{
    public static int Rows => 8;
}
