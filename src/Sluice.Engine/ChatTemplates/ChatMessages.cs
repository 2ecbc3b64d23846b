using System.Text.Json;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Brings messages as the API has them into the shapes that templates expect, which differ: texts in one piece or in
/// parts, arguments of tool calls as objects or as texts, nothing or an empty text.</summary>
internal static class ChatMessages
{
    /// <summary>What a template was found to take.</summary>
    /// <param name="Text">Content that is one text.</param>
    /// <param name="Parts">Content that is a list of parts.</param>
    /// <param name="NoneAsText">Content that is none comes out as a word, <c>None</c>, as if somebody had said it.</param>
    public readonly record struct Shapes(bool Text, bool Parts, bool NoneAsText);

    /// <summary>The ways to put these messages, the likeliest first; one, mostly.</summary>
    /// <exception cref="InputException">A message has a part that is no text, which would be read as the text it is written
    /// in.</exception>
    public static IEnumerable<List<object?>> Ways(JsonElement messages, Shapes shapes)
    {
        var original = (List<object?>)TemplateValues.FromJson(messages)!;
        foreach (var message in original) Reshape(message, shapes);
        var hasArguments = original.Exists(message => Functions(message).Any(f => f.TryGetValue("arguments", out var a) && a is string));
        var hasNone = original.Exists(message =>
            message is OrderedDictionary<object, object?> m && m.TryGetValue("content", out var c) && c is null);

        foreach (var parsesArguments in hasArguments ? [true, false] : new[] { false })
            foreach (var fillsNone in !hasNone ? [false] : shapes.NoneAsText ? [true] : new[] { false, true })
                yield return original.ConvertAll(message => Put(message, parsesArguments, fillsNone));
    }

    private static void Reshape(object? message, Shapes shapes)
    {
        if (message is not OrderedDictionary<object, object?> m || !m.TryGetValue("content", out var content)) return;
        if (content is List<object?> all && all.Find(part => TextOf(part) is null) is { } foreign)
            throw new InputException($"messages: content has {Describe(foreign)}; this model reads text only.");
        if (content is string text && !shapes.Text && shapes.Parts)
        {
            m["content"] = new List<object?> { TemplateValues.Dictionary([("type", "text"), ("text", text)]) };
        }
        else if (content is List<object?> parts && !shapes.Parts)
        {
            m["content"] = string.Join('\n', parts.Select(TextOf));
        }
    }

    private static string? TextOf(object? part) => part as string ?? (part is not OrderedDictionary<object, object?> p ? null
        : p.TryGetValue("text", out var text) || p.TryGetValue("refusal", out text) ? text as string : null);

    private static string Describe(object part) =>
        part is OrderedDictionary<object, object?> p && p.TryGetValue("type", out var type) && type is string name and { Length: <= 40 }
            ? $"a part of type '{name}'"
            : "a part that is no text";

    private static object? Put(object? message, bool parsesArguments, bool fillsNone)
    {
        if (message is not OrderedDictionary<object, object?> m) return message;
        var put = new OrderedDictionary<object, object?>(m);
        if (fillsNone && put.TryGetValue("content", out var content) && content is null) put["content"] = "";
        if (parsesArguments && put.TryGetValue("tool_calls", out var calls) && calls is List<object?> list)
            put["tool_calls"] = list.ConvertAll(WithParsedArguments);
        return put;
    }

    private static object? WithParsedArguments(object? call)
    {
        if (FunctionOf(call) is not { } function || !function.TryGetValue("arguments", out var arguments) || arguments is not string text)
            return call;
        if (Parse(text) is not { } parsed) return call;
        return new OrderedDictionary<object, object?>((OrderedDictionary<object, object?>)call!)
        {
            ["function"] = new OrderedDictionary<object, object?>(function) { ["arguments"] = parsed },
        };
    }

    private static IEnumerable<OrderedDictionary<object, object?>> Functions(object? message) =>
        message is OrderedDictionary<object, object?> m && m.TryGetValue("tool_calls", out var calls) && calls is List<object?> list
            ? list.Select(FunctionOf).OfType<OrderedDictionary<object, object?>>()
            : [];

    private static OrderedDictionary<object, object?>? FunctionOf(object? call) =>
        call is OrderedDictionary<object, object?> c && c.TryGetValue("function", out var function)
            ? function as OrderedDictionary<object, object?>
            : null;

    /// <returns>Null for what is no JSON object.</returns>
    private static object? Parse(string text)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            return json.RootElement.ValueKind == JsonValueKind.Object ? TemplateValues.FromJson(json.RootElement) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
