using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>The metadata of a GGUF file, by key. Values are decoded when asked for, and whoever asks says what would be
/// right, so that a wrong value is refused by name.</summary>
public sealed unsafe class GgufMetadata
{
    /// <summary>Longest text that is decoded: chat templates have some ten thousand characters.</summary>
    private const int TextBytesMax = 16 << 20;

    private readonly string _file;
    private readonly byte* _data;
    private readonly long _length;
    private readonly Dictionary<string, GgufValue> _values;

    internal GgufMetadata(string file, byte* data, long length, Dictionary<string, GgufValue> values)
    {
        _data = data;
        (_file, _length, _values) = (file, length, values);
    }

    /// <summary>In the order of the file.</summary>
    public IReadOnlyCollection<string> Keys => _values.Keys;

    public bool Has(string key) => _values.ContainsKey(key);

    public bool TryGet(string key, out GgufValue value) => _values.TryGetValue(key, out value);

    /// <summary>A whole number of any of the eight integer types.</summary>
    /// <param name="min">What is below is refused.</param>
    /// <param name="max">What is above is refused.</param>
    /// <exception cref="InputException">It is missing, no integer, or out of range.</exception>
    public long WholeNumber(string key, long min, long max) =>
        TryWholeNumber(key, min, max, out var value) ? value : throw Missing(key, $"an integer from {min} to {max}");

    /// <summary>As <see cref="WholeNumber(string,long,long)"/>, with what holds if the key is missing.</summary>
    public long WholeNumber(string key, long min, long max, long otherwise) =>
        TryWholeNumber(key, min, max, out var value) ? value : otherwise;

    /// <summary>A finite number, from a float, a double or an integer.</summary>
    public double Number(string key, double min, double max) =>
        TryNumber(key, min, max, out var value) ? value : throw Missing(key, FormattableString.Invariant($"a number from {min} to {max}"));

    public double Number(string key, double min, double max, double otherwise) =>
        TryNumber(key, min, max, out var value) ? value : otherwise;

    public bool Flag(string key, bool otherwise)
    {
        if (!_values.TryGetValue(key, out var value)) return otherwise;
        return value.Type == GgufValueType.Bool ? _data[value.Offset] != 0 : throw WrongType(key, value, "true or false");
    }

    /// <summary>Null if the key is missing.</summary>
    public string? FindText(string key)
    {
        if (!_values.TryGetValue(key, out var value)) return null;
        if (value.Type != GgufValueType.Text) throw WrongType(key, value, "a text");
        var cursor = new GgufCursor(_data, _length, _file) { At = value.Offset };
        return cursor.Text($"metadata value '{key}'", TextBytesMax);
    }

    public string Text(string key) => FindText(key) ?? throw Missing(key, "a text");

    /// <summary>Elements of an array, or null if the key is missing.</summary>
    public long? FindCount(string key)
    {
        if (!_values.TryGetValue(key, out var value)) return null;
        return value.Type == GgufValueType.Array ? value.Count : throw WrongType(key, value, "an array");
    }

    /// <summary>An array of texts, as bytes in the file. The positions are found now, the bytes stay where they
    /// are.</summary>
    public GgufTexts? FindTexts(string key)
    {
        if (!_values.TryGetValue(key, out var value)) return null;
        if (value.Type != GgufValueType.Array || value.Element != GgufValueType.Text) throw WrongType(key, value, "an array of texts");
        if (value.Count > Array.MaxLength / 8) throw WrongType(key, value, $"at most {Array.MaxLength / 8} texts");

        // The header was walked over already: every text lies in the file.
        var offsets = new long[value.Count];
        var cursor = new GgufCursor(_data, _length, _file) { At = value.Offset };
        for (var i = 0; i < offsets.Length; i++)
        {
            offsets[i] = cursor.At;
            cursor.TextBytes(key);
        }

        return new(_data, offsets);
    }

    /// <summary>An array of integers, copied; null if the key is missing.</summary>
    public int[]? FindIntegers(string key)
    {
        if (!TryArray(key, GgufValueTypes.IsInteger, "an array of integers", out var value)) return null;
        var result = new int[value.Count];
        var size = GgufValueTypes.Bytes(value.Element);
        for (var i = 0; i < result.Length; i++)
        {
            var number = IntegerAt(value.Element, value.Offset + (long)i * size);
            result[i] = number >= int.MinValue && number <= int.MaxValue
                ? (int)number
                : throw new InputException($"{_file}: element {i} of metadata array '{key}' is {number}; expected a 32-bit integer.");
        }

        return result;
    }

    /// <summary>An array of floats, copied; null if the key is missing.</summary>
    public float[]? FindNumbers(string key)
    {
        if (!TryArray(key, type => type == GgufValueType.Float32, "an array of Float32", out var value)) return null;
        var result = new float[value.Count];
        fixed (float* to = result) Unsafe.CopyBlockUnaligned(to, _data + value.Offset, checked((uint)(4 * value.Count)));
        return result;
    }

    private bool TryArray(string key, Func<GgufValueType, bool> isRight, string right, out GgufValue value)
    {
        if (!_values.TryGetValue(key, out value)) return false;
        if (value.Type != GgufValueType.Array || !isRight(value.Element)) throw WrongType(key, value, right);
        return value.Count <= Array.MaxLength / 8 ? true : throw WrongType(key, value, $"at most {Array.MaxLength / 8} elements");
    }

    private bool TryWholeNumber(string key, long min, long max, out long number)
    {
        number = 0;
        if (!_values.TryGetValue(key, out var value)) return false;
        if (!GgufValueTypes.IsInteger(value.Type)) throw WrongType(key, value, $"an integer from {min} to {max}");
        var wide = IntegerAt(value.Type, value.Offset);
        if (wide < min || wide > max) throw OutOfRange(key, wide.ToString(), $"{min} to {max}");
        number = (long)wide;
        return true;
    }

    private bool TryNumber(string key, double min, double max, out double number)
    {
        number = 0;
        if (!_values.TryGetValue(key, out var value)) return false;
        number = value.Type switch
        {
            GgufValueType.Float32 => Unsafe.ReadUnaligned<float>(_data + value.Offset),
            GgufValueType.Float64 => Unsafe.ReadUnaligned<double>(_data + value.Offset),
            var type when GgufValueTypes.IsInteger(type) => (double)IntegerAt(type, value.Offset),
            _ => throw WrongType(key, value, "a number"),
        };
        if (!(number >= min && number <= max))
            throw OutOfRange(key, FormattableString.Invariant($"{number}"), FormattableString.Invariant($"{min} to {max}"));
        return true;
    }

    /// <summary>Wide enough for both kinds of 64 bits.</summary>
    private Int128 IntegerAt(GgufValueType type, long offset) => type switch
    {
        GgufValueType.UInt8 => _data[offset],
        GgufValueType.Int8 => (sbyte)_data[offset],
        GgufValueType.UInt16 => Unsafe.ReadUnaligned<ushort>(_data + offset),
        GgufValueType.Int16 => Unsafe.ReadUnaligned<short>(_data + offset),
        GgufValueType.UInt32 => Unsafe.ReadUnaligned<uint>(_data + offset),
        GgufValueType.Int32 => Unsafe.ReadUnaligned<int>(_data + offset),
        GgufValueType.UInt64 => Unsafe.ReadUnaligned<ulong>(_data + offset),
        GgufValueType.Int64 => Unsafe.ReadUnaligned<long>(_data + offset),
        _ => throw new InvariantException($"{type} is no integer"),
    };

    [DoesNotReturn]
    internal InputException Missing(string key, string right) =>
        throw new InputException($"{_file}: metadata key '{key}' is missing; expected {right}.");

    private InputException WrongType(string key, GgufValue value, string right) =>
        new($"{_file}: at byte {value.Offset}: metadata key '{key}' is {value.Describe()}; expected {right}.");

    internal InputException OutOfRange(string key, string value, string right) =>
        new($"{_file}: metadata key '{key}' is {value}; expected {right}.");
}

/// <summary>An array of texts in a mapped file, without copies.</summary>
public sealed unsafe class GgufTexts
{
    private readonly byte* _data;
    private readonly long[] _offsets;

    internal GgufTexts(byte* data, long[] offsets)
    {
        _data = data;
        _offsets = offsets;
    }

    public int Count => _offsets.Length;

    /// <summary>The bytes of a text; whoever reads them checks that they are UTF-8, if it matters.</summary>
    public ReadOnlySpan<byte> this[int index]
    {
        get
        {
            var at = _data + _offsets[index];
            return new(at + 8, (int)Unsafe.ReadUnaligned<long>(at));
        }
    }
}
