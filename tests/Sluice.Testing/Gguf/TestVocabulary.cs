using System.Text;
using Sluice.Engine;

namespace Sluice.Testing;

/// <summary>Small vocabularies that can say anything: control tokens, every byte, and merges learnt from a few
/// sentences.</summary>
public static class TestVocabulary
{
    private const string Sample =
        "The queue holds every request that waits for a slot, and the engine that has room takes the next one. "
        + "When the requests of a model come to their end, the engine loads another model and takes what waits for it. "
        + "She said that they would be there at the end of the day; there were three of them, and the other one was late. "
        + "{\"name\": \"value\", \"list\": [1, 2, 3], \"other\": {\"name\": true, \"end\": null}}";

    public const string Template =
        "{%- for message in messages -%}{{- '<|' + message['role'] + '|>\\n' + message['content'] + eos_token -}}{%- endfor -%}"
        + "{%- if add_generation_prompt -%}{{- '<|assistant|>\\n' -}}{%- endif -%}";

    /// <summary>SentencePiece BPE: 3 control tokens (0 unknown, 1 begin, 2 end), 256 bytes, 3 user-defined roles, letters,
    /// merges.</summary>
    /// <param name="size">Filled up to that with words that nobody writes; a model's rows need a token each elsewhere.</param>
    public static GgufWriter AddSentencePiece(this GgufWriter writer, int merges = 200, int size = 0)
    {
        var tokens = new List<(string Text, TokenKind Kind)>
        {
            ("<unk>", TokenKind.Unknown), ("<s>", TokenKind.Control), ("</s>", TokenKind.Control),
        };
        tokens.AddRange(Enumerable.Range(0, 256).Select(b => ($"<0x{b:X2}>", TokenKind.Byte)));
        tokens.AddRange(new[] { "<|user|>", "<|assistant|>", "<|system|>" }.Select(role => (role, TokenKind.UserDefined)));
        var words = Sample.Split(' ').Select(word => "▁" + word);
        tokens.AddRange(Learn(words, merges).Select(pair => (pair.Left + pair.Right, TokenKind.Normal)));
        var letters = words.SelectMany(word => word).Concat("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").Distinct();
        tokens.AddRange(letters.Order().Select(letter => (letter.ToString(), TokenKind.Normal)));

        for (var i = tokens.Count; i < size; i++) tokens.Add(($"\u241f{i}", TokenKind.Normal));

        return writer.Text("tokenizer.ggml.model", "llama").AddTokens(tokens)
            .Numbers("tokenizer.ggml.scores", [.. tokens.Select((token, i) => token.Kind == TokenKind.Normal ? -(float)i : 0)])
            .Number("tokenizer.ggml.bos_token_id", 1u).Number("tokenizer.ggml.eos_token_id", 2u)
            .Number("tokenizer.ggml.unknown_token_id", 0u).Text("tokenizer.chat_template", Template);
    }

    /// <summary>Byte-level BPE: every byte, merges, 3 control tokens for ChatML and a user-defined one.</summary>
    /// <param name="pre">Name of the rules that cut words.</param>
    /// <param name="more">Further tokens.</param>
    public static GgufWriter AddByteLevel(
        this GgufWriter writer, string pre = "qwen2", int merges = 200, params ReadOnlySpan<(string Text, TokenKind Kind)> more)
    {
        var words = Sample.Split(' ').Select(word => "Ġ" + word);
        (string Left, string Right)[] learnt = [.. Learn(words, merges)];
        var tokens = Enumerable.Range(0, 256).Select(b => (ByteLetter(b), TokenKind.Normal)).ToList();
        tokens.AddRange(learnt.Select(pair => (pair.Left + pair.Right, TokenKind.Normal)));
        var end = (uint)tokens.Count;
        tokens.AddRange(new[] { "<|endoftext|>", "<|im_start|>", "<|im_end|>" }.Select(text => (text, TokenKind.Control)));
        tokens.Add(("<tool>", TokenKind.UserDefined));
        tokens.AddRange(more);

        return writer.Text("tokenizer.ggml.model", "gpt2").Text("tokenizer.ggml.pre", pre).AddTokens(tokens)
            .Texts("tokenizer.ggml.merges", [.. learnt.Select(pair => Encoding.UTF8.GetBytes($"{pair.Left} {pair.Right}"))])
            .Number("tokenizer.ggml.bos_token_id", end).Number("tokenizer.ggml.eos_token_id", end + 2)
            .Flag("tokenizer.ggml.add_bos_token", false);
    }

    private static GgufWriter AddTokens(this GgufWriter writer, List<(string Text, TokenKind Kind)> tokens) => writer
        .Texts("tokenizer.ggml.tokens", [.. tokens.Select(token => Encoding.UTF8.GetBytes(token.Text))])
        .Numbers("tokenizer.ggml.token_type", [.. tokens.Select(token => (int)token.Kind)]);

    /// <summary>The commonest pairs of neighbours, each merged before the next is looked for; of equal ones the first by
    /// letters.</summary>
    private static IEnumerable<(string Left, string Right)> Learn(IEnumerable<string> words, int merges)
    {
        List<string>[] parts = [.. words.Select(word => word.Select(letter => letter.ToString()).ToList())];
        var known = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < merges; i++)
        {
            var counts = new Dictionary<(string, string), int>();
            foreach (var word in parts)
                for (var k = 0; k + 1 < word.Count; k++) counts[(word[k], word[k + 1])] = counts.GetValueOrDefault((word[k], word[k + 1])) + 1;
            if (counts.Count == 0) yield break;
            var (left, right) = counts.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key.Item1, StringComparer.Ordinal)
                .ThenBy(pair => pair.Key.Item2, StringComparer.Ordinal).First().Key;
            foreach (var word in parts)
                for (var k = 0; k + 1 < word.Count; k++)
                    if (word[k] == left && word[k + 1] == right)
                    {
                        word[k] = left + right;
                        word.RemoveAt(k + 1);
                    }

            if (known.Add(left + right)) yield return (left, right);
        }
    }

    /// <summary>The letter that stands for a byte.</summary>
    private static string ByteLetter(int b)
    {
        if (IsPrintable(b)) return ((char)b).ToString();
        return ((char)(256 + Enumerable.Range(0, b).Count(other => !IsPrintable(other)))).ToString();
    }

    private static bool IsPrintable(int b) => b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE;
}
