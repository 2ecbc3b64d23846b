using System.Text;
using Sluice.Core;
using Sluice.Testing;

namespace Sluice.Engine.Tests;

public sealed class GgufFileTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void A_file_gives_back_what_was_written(int version)
    {
        var bytes = Write(new() { Version = (uint)version });

        GgufFiles.With(bytes, file =>
        {
            Assert.Equal(version, file.Version);
            Assert.Equal("llama", file.Metadata.Text("general.architecture"));
            Assert.Equal(42, file.Metadata.WholeNumber("answer", 0, 100));
            Assert.Equal(-1, file.Metadata.WholeNumber("long", long.MinValue, long.MaxValue));
            Assert.Equal(0.25, file.Metadata.Number("third", 0, 1));
            Assert.True(file.Metadata.Flag("yes", otherwise: false));
            Assert.Equal([1.5f, -2f], file.Metadata.FindNumbers("scores")!);
            Assert.Equal([1, 2, 3], file.Metadata.FindIntegers("types")!);
            var words = file.Metadata.FindTexts("words")!;
            Assert.Equal(["one", "zwölf", ""], Enumerable.Range(0, words.Count).Select(i => Encoding.UTF8.GetString(words[i])));
            Assert.Equal(GgufFiles.Bytes(24), file.Tensor("a", 3, 2).Span.ToArray());
            Assert.Equal(GgufFiles.Bytes(24)[12..], file.Tensor("a", 3, 2).Row(1).ToArray());
            Assert.Equal(GgufFiles.Bytes(68), file.Tensor("b", 64).Span.ToArray());
            Assert.Equal(0, file.Tensor("b", 64).Offset % 32);
            return 0;
        });

        static byte[] Write(GgufWriter writer) => writer
            .Text("general.architecture", "llama").Number("answer", 42u).Number("third", 0.25f).Flag("yes", true)
            .Value("long", GgufValueType.Int64, to => GgufWriter.WriteUInt64(to, ulong.MaxValue))
            .Texts("words", ["one"u8.ToArray(), "zwölf"u8.ToArray(), []]).Numbers("scores", [1.5f, -2f]).Numbers("types", [1, 2, 3])
            .Tensor("a", GgufTensorType.F32, [3, 2], GgufFiles.Bytes(24)).Tensor("b", GgufTensorType.Q8_0, [64], GgufFiles.Bytes(68))
            .ToArray();
    }

    [Fact]
    public void A_file_on_disk_is_mapped_and_can_be_replaced_after_it_is_closed()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("sluice-gguf-").FullName, "m.gguf");
        File.WriteAllBytes(path, GgufFiles.Small().ToArray());

        using (var file = GgufFile.Open(path)) Assert.Equal(GgufFiles.Bytes(24), file.Tensor("a", 3, 2).Span.ToArray());

        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    public static TheoryData<string, string> Damages => new()
    {
        { "magic", "at byte 0: the file begins with 0x21212121; expected 0x46554747 ('GGUF')" },
        { "version 1", "at byte 4: the version is 1; expected 2 or 3" },
        { "big-endian", "at byte 4: the file is big-endian" },
        { "empty", "the file ends within the magic" },
        { "half", "bytes are left" },
        { "data cut", "tensor 'b' has 68 bytes at offset 32 of the data; expected it to end within the 68 bytes" },
        { "tensor count", "the number of tensors is 1152921504606846978; expected at most" },
        { "value count", "the number of metadata values is 1152921504606846985; expected at most" },
        { "text length", "the length of metadata key 0 is 72057594037927956; expected at most" },
        { "array length", "the length of array 'x' is 4611686018427387904; expected at most" },
        { "value type", "'x' has the value type 13; expected 0 to 12" },
        { "bool", "'x' is a bool of 2; expected 0 or 1" },
        { "key twice", "metadata key 'x' is there twice; expected it once" },
        { "key not UTF-8", "metadata key 0 is not UTF-8" },
        { "deep array", "'x' is nested too deeply" },
        { "alignment", "metadata key 'general.alignment' is 24; expected a power of two" },
        { "overlap", "tensor 'b' begins within tensor 'a'; expected tensors that do not overlap" },
        { "offset", "tensor 'b' has 4 bytes at offset 4096 of the data; expected it to end within the" },
        { "odd offset", "tensor 'b' has the offset 33; expected a multiple of 32" },
        { "no dimensions", "tensor 'a' has 0 dimensions; expected 1 to 4" },
        { "zero dimension", "dimension 0 of tensor 'a' is 0; expected 1 to 2147483647" },
        { "huge dimensions", "tensor 'a' would take 36893488113059364872 bytes; expected at most the" },
        { "rows of parts", "tensor 'a' has rows of 33 elements of type Q8_0; expected a multiple of 32" },
        { "unknown type", "tensor 'a' has the type number 77, which Sluice does not know; expected one of 0 (F32), 1 (F16)" },
        { "name twice", "tensor 'a' is there twice; expected it once" },
    };

    [Theory, MemberData(nameof(Damages))]
    public void A_damaged_file_is_refused_by_the_name_of_the_damage(string damage, string message)
    {
        var bytes = Damaged(damage);

        var refused = Assert.Throws<InputException>(() => GgufFiles.With(bytes, file => file.Version));

        Assert.StartsWith("test.gguf: ", refused.Message, StringComparison.Ordinal);
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_asked_for_and_not_there_is_refused_by_name()
    {
        var bytes = GgufFiles.Small().Tensor("c", GgufTensorType.IQ3_S, [256], GgufFiles.Bytes(110)).ToArray();

        string[] messages = GgufFiles.With(bytes, file => new[]
        {
            Refusal(() => file.Metadata.WholeNumber("none", 1, 9)),
            Refusal(() => file.Metadata.WholeNumber("answer", 1, 9)),
            Refusal(() => file.Metadata.WholeNumber("yes", 1, 9)),
            Refusal(() => file.Metadata.FindTexts("scores")),
            Refusal(() => file.Tensor("z", 3)),
            Refusal(() => file.Tensor("a", 2, 3)),
            Refusal(() => file.Tensor("c", 256)),
        });

        Assert.Equal("test.gguf: metadata key 'none' is missing; expected an integer from 1 to 9.", messages[0]);
        Assert.Equal("test.gguf: metadata key 'answer' is 42; expected 1 to 9.", messages[1]);
        Assert.EndsWith("metadata key 'yes' is Bool; expected an integer from 1 to 9.", messages[2], StringComparison.Ordinal);
        Assert.EndsWith("'scores' is an array of 2 Float32; expected an array of texts.", messages[3], StringComparison.Ordinal);
        Assert.Equal("test.gguf: tensor 'z' is missing; expected [3].", messages[4]);
        Assert.Equal("test.gguf: tensor 'a' is [3, 2]; the metadata calls for [2, 3].", messages[5]);
        Assert.Contains("tensor 'c' has the type IQ3_S, which the engine does not compute with", messages[6], StringComparison.Ordinal);
    }

    [Fact]
    public void Opening_what_is_no_file_says_so()
    {
        Assert.EndsWith("there is no such file; expected a GGUF file.", Refusal(() => GgufFile.Open("nowhere.gguf")), StringComparison.Ordinal);
        Assert.EndsWith("is a folder; expected a GGUF file.", Refusal(() => GgufFile.Open(Path.GetTempPath())), StringComparison.Ordinal);
    }

    private static string Refusal<T>(Func<T> act) => Assert.Throws<InputException>(() => { act(); }).Message;

    private static byte[] Damaged(string damage)
    {
        var writer = new GgufWriter();
        byte[] four = [1, 2, 3, 4];
        switch (damage)
        {
            case "magic": return new GgufWriter { Magic = 0x21212121 }.ToArray();
            case "version 1": return new GgufWriter { Version = 1 }.ToArray();
            case "big-endian": return new GgufWriter { Version = 0x03000000 }.ToArray();
            case "empty": return [];
            case "half": return GgufFiles.Small().ToArray()[..200];
            case "data cut": return GgufFiles.Small().ToArray()[..^60];
            case "tensor count": return With(GgufFiles.Small().ToArray(), 8 + 7, 16);
            case "value count": return With(GgufFiles.Small().ToArray(), 16 + 7, 16);
            case "text length": return With(GgufFiles.Small().ToArray(), 24 + 7, 1);
            case "array length":
                return writer.Value("x", GgufValueType.Array, to =>
                {
                    GgufWriter.WriteUInt32(to, (uint)GgufValueType.UInt64);
                    GgufWriter.WriteUInt64(to, 1UL << 62);
                }).ToArray();
            case "value type": return writer.Value("x", (GgufValueType)13, to => to.Write(four)).ToArray();
            case "bool": return writer.Value("x", GgufValueType.Bool, to => to.WriteByte(2)).ToArray();
            case "key twice": return writer.Flag("x", true).Flag("x", true).ToArray();
            case "key not UTF-8": return With(writer.Flag("x", true).ToArray(), 24 + 8, 0xFF);
            case "deep array":
                return writer.Value("x", GgufValueType.Array, to =>
                {
                    for (var i = 0; i < 8; i++)
                    {
                        GgufWriter.WriteUInt32(to, (uint)GgufValueType.Array);
                        GgufWriter.WriteUInt64(to, 1);
                    }

                    to.Write(new byte[64]);
                }).ToArray();
            case "alignment": return writer.Number("general.alignment", 24u).ToArray();
            case "overlap": return writer.Tensor("a", GgufTensorType.F32, [1], four).Tensor("b", GgufTensorType.F32, [1], four, 0).ToArray();
            case "offset": return writer.Tensor("b", GgufTensorType.F32, [1], four, 4096).ToArray();
            case "odd offset": return writer.Tensor("b", GgufTensorType.F32, [1], four, 33).ToArray();
            case "no dimensions": return writer.Tensor("a", GgufTensorType.F32, [], four).ToArray();
            case "zero dimension": return writer.Tensor("a", GgufTensorType.F32, [0], four).ToArray();
            case "huge dimensions":
                return writer.Tensor("a", GgufTensorType.F32, [int.MaxValue, int.MaxValue, 2], four).ToArray();
            case "rows of parts": return writer.Tensor("a", GgufTensorType.Q8_0, [33], four).ToArray();
            case "unknown type": return writer.Tensor("a", (GgufTensorType)77, [1], four).ToArray();
            case "name twice":
                return writer.Tensor("a", GgufTensorType.F32, [1], four).Tensor("a", GgufTensorType.F32, [1], four).ToArray();
            default: throw new ArgumentOutOfRangeException(nameof(damage), damage, null);
        }

        static byte[] With(byte[] bytes, int at, byte value)
        {
            bytes[at] = value;
            return bytes;
        }
    }
}
