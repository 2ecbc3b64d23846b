// The names are those of the file format.
#pragma warning disable CA1720

namespace Sluice.Engine;

/// <summary>Type of a metadata value, by the number that stands in the file.</summary>
public enum GgufValueType : uint
{
    UInt8 = 0, Int8 = 1, UInt16 = 2, Int16 = 3, UInt32 = 4, Int32 = 5, Float32 = 6, Bool = 7, Text = 8, Array = 9,
    UInt64 = 10, Int64 = 11, Float64 = 12,
}

internal static class GgufValueTypes
{
    /// <summary>Bytes of a value of fixed size; 0 for texts and arrays; -1 for a number that is no type.</summary>
    public static int Bytes(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
        GgufValueType.UInt64 or GgufValueType.Int64 or GgufValueType.Float64 => 8,
        GgufValueType.Text or GgufValueType.Array => 0,
        _ => -1,
    };

    public static bool IsInteger(GgufValueType type) => type is GgufValueType.UInt8 or GgufValueType.Int8
        or GgufValueType.UInt16 or GgufValueType.Int16 or GgufValueType.UInt32 or GgufValueType.Int32
        or GgufValueType.UInt64 or GgufValueType.Int64;
}

/// <summary>Where a metadata value is in the file. It is decoded when somebody asks for it.</summary>
/// <param name="Offset">Of its first byte: a text's length, an array's first element.</param>
/// <param name="Element">Of an array, else the type itself.</param>
/// <param name="Count">Elements of an array, else 1.</param>
public readonly record struct GgufValue(GgufValueType Type, long Offset, GgufValueType Element, long Count)
{
    /// <summary>The type as a message shows it.</summary>
    public string Describe() => Type == GgufValueType.Array ? $"an array of {Count} {Element}" : Type.ToString();
}
