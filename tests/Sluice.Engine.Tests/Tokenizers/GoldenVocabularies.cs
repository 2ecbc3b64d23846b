using System.Text.Json;

namespace Sluice.Engine.Tests;

/// <summary>The vocabularies of <c>shared/data/golden</c>, each with a model that carries it.</summary>
internal static class GoldenVocabularies
{
    private static readonly Dictionary<string, string> s_models = new(StringComparer.Ordinal)
    {
        ["spm-1024"] = "llama-gqa-Q8_0",
        ["spm-512-nospace"] = "mixtral-moe-Q8_0",
        ["bpe-qwen2-2048"] = "qwen3-qknorm-Q8_0",
        ["bpe-llama3-4096"] = "llama3-rope-tied-F16",
    };

    public static IEnumerable<string> Names => s_models.Keys;

    public static GgufFile Open(string vocabulary) => GgufFile.Open(SharedData.Model(s_models[vocabulary]));

    public static Tokenizer Tokenizer(string vocabulary)
    {
        using var file = Open(vocabulary);
        return Engine.Tokenizer.Read(file);
    }

    public static IEnumerable<JsonElement> Lines(params string[] path) =>
        File.ReadLines(SharedData.File(path)).Select(line => JsonDocument.Parse(line).RootElement);

    public static int[] Integers(this JsonElement line, string name) =>
        [.. line.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];
}
