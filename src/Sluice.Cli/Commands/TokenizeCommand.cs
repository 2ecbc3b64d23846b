using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Sluice.Core;
using Sluice.Engine;

namespace Sluice.Cli;

/// <summary><c>sluice tokenize</c>: the tokens that a model file makes of a text, or the text of tokens.</summary>
public static class TokenizeCommand
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        // Texts stay readable; what prints them is a terminal, no web page.
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static Command Create(Terminal terminal)
    {
        var model = new Argument<string>("MODEL") { Description = "GGUF file whose tokenizer is used" };
        var text = new Argument<string?>("TEXT")
        {
            Description = "text to cut into tokens",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var decode = new Option<string?>("--decode")
        {
            Description = "the other way: the text of these token ids, such as 1,15043,3186",
            HelpName = "IDS",
        };
        var noSpecial = new Option<bool>("--no-special")
        {
            Description = "add no begin or end token, and take control tokens in the text for plain text",
        };
        var json = new Option<bool>("--json") { Description = "print one JSON object to standard output" };
        var command = new Command("tokenize", "Show the tokens that a model file makes of a text.")
        {
            model, text, decode, noSpecial, json,
        };
        command.SetAction(parsed => Execute(
            parsed.GetValue(model)!, parsed.GetValue(text), parsed.GetValue(decode), parsed.GetValue(noSpecial), parsed.GetValue(json),
            terminal));
        return command;
    }

    private static int Execute(string model, string? text, string? decode, bool noSpecial, bool isJson, Terminal terminal)
    {
        if (text is not null == decode is not null)
            throw new InputException(text is null
                ? "tokenize: there is nothing to do; expected a TEXT, or --decode IDS."
                : "tokenize: TEXT and --decode exclude each other; expected one of them.");

        using var file = GgufFile.Open(model);
        var tokenizer = Tokenizer.Read(file);
        var ids = text is not null
            ? tokenizer.Encode(text, addSpecial: !noSpecial, parseSpecial: !noSpecial)
            : Ids(decode!, tokenizer);
        if (isJson) terminal.Out.WriteLine(Json(tokenizer, ids));
        else if (text is null) terminal.Out.WriteLine(tokenizer.Decode(ids));
        else List(tokenizer, ids, text, terminal);
        return ExitCodes.Ok;
    }

    private static int[] Ids(string list, Tokenizer tokenizer)
    {
        var words = list.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries);
        return Array.ConvertAll(words, word =>
            int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id < tokenizer.Vocabulary.Count
                ? id
                : throw new InputException($"--decode: '{word}' is no token; expected ids from 0 to {tokenizer.Vocabulary.Count - 1}."));
    }

    private static string Json(Tokenizer tokenizer, int[] ids)
    {
        var pieces = new JsonArray();
        foreach (var id in ids) pieces.Add((JsonNode)JsonValue.Create(tokenizer.Vocabulary.Text(id)));
        var result = new JsonObject
        {
            ["ids"] = new JsonArray([.. ids.Select(id => (JsonNode)JsonValue.Create(id))]),
            ["pieces"] = pieces,
            ["text"] = tokenizer.Decode(ids),
        };
        return result.ToJsonString(s_json);
    }

    private static void List(Tokenizer tokenizer, int[] ids, string text, Terminal terminal)
    {
        var listing = new Listing("id", "kind", "text") { RightAligned = [0] };
        foreach (var id in ids)
            listing.Add(
                id.ToString(CultureInfo.InvariantCulture), KindOf(tokenizer.Vocabulary.Kind(id)),
                Shown(tokenizer.Vocabulary.Bytes(id)));
        listing.Write(terminal.Out, terminal.Width);
        terminal.Out.WriteLine();
        var characters = Count(text.EnumerateRunes().Count(), "character");
        terminal.Out.WriteLine($"{Count(ids.Length, "token")} of {characters}, {Count(Encoding.UTF8.GetByteCount(text), "byte")}");
    }

    private static string Count(int count, string of) => FormattableString.Invariant($"{count:#,##0} {of}{(count == 1 ? "" : "s")}");

    private static string KindOf(TokenKind kind) => kind switch
    {
        TokenKind.Normal => "text",
        TokenKind.UserDefined => "user-defined",
        _ => kind.ToString().ToLowerInvariant(),
    };

    /// <summary>In quotes, so that blanks can be seen; bytes that are not whole characters as numbers.</summary>
    private static string Shown(ReadOnlySpan<byte> bytes)
    {
        if (!System.Text.Unicode.Utf8.IsValid(bytes)) return string.Join(' ', bytes.ToArray().Select(b => $"0x{b:X2}"));
        return JsonSerializer.Serialize(Encoding.UTF8.GetString(bytes), s_json);
    }
}
