using Sluice.Engine;

namespace Sluice.Testing;

/// <summary>Tokenizers without a model.</summary>
public static class TestTokenizer
{
    public static Tokenizer SentencePiece() => Read(new GgufWriter().AddSentencePiece());

    public static Tokenizer ByteLevel(string pre = "qwen2", params ReadOnlySpan<(string Text, TokenKind Kind)> more) =>
        Read(new GgufWriter().AddByteLevel(pre, more: more));

    private static Tokenizer Read(GgufWriter writer)
    {
        using var model = new TestModelFile(writer);
        using var file = GgufFile.Open(model.Path);
        return Tokenizer.Read(file);
    }
}

/// <summary>A model file that is gone after the test.</summary>
public sealed class TestModelFile : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sluice-model-").FullName;

    public TestModelFile(GgufWriter writer, string name = "model.gguf")
    {
        Path = System.IO.Path.Combine(_folder, name);
        File.WriteAllBytes(Path, writer.ToArray());
    }

    public string Path { get; }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
