using System.Text.Json;

namespace Sluice.Engine;

/// <summary>How a model writes that it wants a tool to be called.</summary>
public enum ToolCallStyle
{
    /// <summary>In no way that is known: the answer stays text.</summary>
    None,

    /// <summary><c>&lt;tool_call&gt;{"name": …, "arguments": …}&lt;/tool_call&gt;</c>, any number, text around them (Hermes,
    /// Qwen).</summary>
    Tagged,

    /// <summary>The whole answer is JSON: calls with <c>name</c> and <c>parameters</c> or <c>arguments</c>, one, several after one
    /// another, or a list (Llama 3, Mistral). Their markers are control tokens, which are no text.</summary>
    Bare,
}

/// <summary>A call that a model asks for.</summary>
/// <param name="Arguments">A JSON object.</param>
public readonly record struct FunctionCall(string Name, string Arguments);

/// <summary>What tools an answer may call, and how the model writes it.</summary>
public sealed class ToolCalls
{
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    /// <param name="tools">As the API has them: an array of <c>{"type": "function", "function": {"name": …}}</c>.</param>
    public ToolCalls(ToolCallStyle style, JsonElement tools)
    {
        Style = style;
        if (tools.ValueKind != JsonValueKind.Array) return;
        foreach (var tool in tools.EnumerateArray())
            if (Property(tool, "function") is { } function && Property(function, "name") is { ValueKind: JsonValueKind.String } name)
                _names.Add(name.GetString()!);
    }

    public ToolCallStyle Style { get; }

    /// <summary>By the texts that its template writes.</summary>
    public static ToolCallStyle StyleOf(ChatTemplate? template) =>
        template is null ? ToolCallStyle.None
        : template.Source.Contains("<tool_call>", StringComparison.Ordinal) ? ToolCallStyle.Tagged
        : template.Source.Contains("[TOOL_CALLS]", StringComparison.Ordinal)
            || template.Source.Contains("<|python_tag|>", StringComparison.Ordinal) ? ToolCallStyle.Bare
        : ToolCallStyle.None;

    /// <summary>Reads one call after another, or lists of them.</summary>
    /// <returns>False if it is anything else, or calls a tool that was not given.</returns>
    internal bool TryRead(ReadOnlySpan<byte> json, List<FunctionCall> calls)
    {
        var found = new List<FunctionCall>();
        while (true)
        {
            json = json.TrimStart(" \t\r\n;,"u8);
            if (json.IsEmpty) break;
            try
            {
                var reader = new Utf8JsonReader(json);
                using var value = JsonDocument.ParseValue(ref reader);
                if (!TryTake(value.RootElement, found)) return false;
                json = json[(int)reader.BytesConsumed..];
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter: half of a surrogate pair
            {
                return false;
            }
        }

        calls.AddRange(found);
        return found.Count > 0;
    }

    private bool TryTake(JsonElement value, List<FunctionCall> calls)
    {
        if (value.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in value.EnumerateArray())
                if (item.ValueKind != JsonValueKind.Object || !TryTake(item, calls)) return false;
            return true;
        }

        if (Property(value, "name") is not { ValueKind: JsonValueKind.String } name || !_names.Contains(name.GetString()!)) return false;
        var arguments = Property(value, "arguments") ?? Property(value, "parameters");
        if (arguments is { ValueKind: JsonValueKind.Object } or null)
        {
            calls.Add(new(name.GetString()!, arguments?.GetRawText() ?? "{}"));
            return true;
        }

        if (arguments.Value.ValueKind != JsonValueKind.String) return false;
        using var inner = JsonDocument.Parse(arguments.Value.GetString()!); // Some write the object as a text.
        if (inner.RootElement.ValueKind != JsonValueKind.Object) return false;
        calls.Add(new(name.GetString()!, inner.RootElement.GetRawText()));
        return true;
    }

    private static JsonElement? Property(JsonElement of, string name) =>
        of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out var value) ? value : null;
}
