using System.Text;

namespace Sluice.Engine.Tests;

/// <summary>What llama.cpp makes of sixty awkward texts in four vocabularies.</summary>
public sealed class TokenizerGoldenTests
{
    public static TheoryData<string> Vocabularies => [.. GoldenVocabularies.Names];

    [GoldenTheory, MemberData(nameof(Vocabularies))]
    public void Every_text_gives_the_tokens_that_llama_cpp_gives(string vocabulary)
    {
        var tokenizer = GoldenVocabularies.Tokenizer(vocabulary);

        foreach (var line in GoldenVocabularies.Lines("tokenizer", vocabulary + ".jsonl"))
        {
            var text = line.GetProperty("text").GetString()!;
            Assert.Equal(line.Integers("ids"), tokenizer.Encode(text, addSpecial: false, parseSpecial: false));
            Assert.Equal(line.Integers("ids_special"), tokenizer.Encode(text, addSpecial: false, parseSpecial: true));
            Assert.Equal(line.Integers("ids_add"), tokenizer.Encode(text, addSpecial: true, parseSpecial: true));
        }
    }

    [GoldenTheory, MemberData(nameof(Vocabularies))]
    public void Every_token_gives_its_bytes_back_whole_and_streamed(string vocabulary)
    {
        var tokenizer = GoldenVocabularies.Tokenizer(vocabulary);

        foreach (var line in GoldenVocabularies.Lines("tokenizer", vocabulary + ".jsonl"))
        {
            var ids = line.Integers("ids_special");
            var pieces = line.GetProperty("pieces_hex").EnumerateArray().Select(piece => piece.GetString()!);
            Assert.Equal(pieces, ids.Select(id => Convert.ToHexStringLower(tokenizer.Vocabulary.Bytes(id))));
            Assert.Equal(line.GetProperty("text_back_special").GetString(), tokenizer.Decode(ids));
            Assert.Equal(line.GetProperty("text_back_special").GetString(), Streamed(tokenizer, ids));
            Assert.Equal(line.GetProperty("text_back").GetString(), Streamed(tokenizer, line.Integers("ids")));
        }
    }

    private static string Streamed(Tokenizer tokenizer, int[] ids)
    {
        var decoder = new TextDecoder(tokenizer, showsControl: true);
        var text = new StringBuilder();
        foreach (var id in ids)
        {
            text.Append(decoder.Push(id));
            Assert.False(text.Length > 0 && char.IsHighSurrogate(text[^1]), "a character was split");
        }

        return text.Append(decoder.Finish()).ToString();
    }
}
