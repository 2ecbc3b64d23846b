using System.Text.Json;
using System.Text.Json.Nodes;
using Sluice.Core;
using Sluice.Engine;

namespace Sluice.Gateway;

/// <summary>The tools of a chat, for an engine in process.</summary>
/// <param name="Calls">How calls are recognised in the answer; null for not at all.</param>
/// <param name="Forced">What the answer must be, where the caller wants a call in any case.</param>
internal readonly record struct InProcessTools(ToolCalls? Calls, JsonGrammar? Forced)
{
    /// <exception cref="InputException">The choice names no tool, or a strict tool's schema is not supported.</exception>
    public static InProcessTools Read(JsonElement body, TextModel model)
    {
        if (!body.TryGetProperty("tools"u8, out var tools) || tools.ValueKind != JsonValueKind.Array) return default;
        body.TryGetProperty("tool_choice"u8, out var choice);
        JsonElement[] functions = [.. tools.EnumerateArray().Select(t => BodyFields.Object(t, "function")).OfType<JsonElement>()];
        switch (choice.ValueKind)
        {
            case JsonValueKind.Object:
                var name = BodyFields.Object(choice, "function") is { } wanted ? BodyFields.Text(wanted, "name") : null;
                var named = functions.Where(f => BodyFields.Text(f, "name") == name).Take(1).ToArray();
                if (name is null || named.Length == 0)
                    throw new InputException($"tool_choice: there is no function '{name}' among the tools.");
                return Forcing(named, tools);
            case JsonValueKind.String when choice.ValueEquals("none"u8):
                return default;
            case JsonValueKind.String when choice.ValueEquals("required"u8) && functions.Length > 0:
                return Forcing(functions, tools);
            default:
                var style = ToolCalls.StyleOf(model.Template);
                return style == ToolCallStyle.None ? default : new(new(style, tools), null);
        }
    }

    /// <summary>A forced call is bare JSON, whatever the model was trained to write around it.</summary>
    private static InProcessTools Forcing(JsonElement[] functions, JsonElement tools)
    {
        JsonNode[] ways = [.. functions.Select(CallOf)];
        var one = ways.Length == 1 ? ways[0] : new JsonObject { ["anyOf"] = new JsonArray(ways) };
        using var schema = JsonDocument.Parse(one.ToJsonString());
        return new(new(ToolCallStyle.Bare, tools), JsonGrammar.OfSchema(schema.RootElement));
    }

    private static JsonObject CallOf(JsonElement function)
    {
        var parameters = BodyFields.Object(function, "parameters") is { } given ? JsonNode.Parse(given.GetRawText()) : null;
        var call = Call(BodyFields.Text(function, "name"), parameters ?? AnyObject());
        try
        {
            using var schema = JsonDocument.Parse(call.ToJsonString());
            _ = JsonGrammar.OfSchema(schema.RootElement);
            return call;
        }
        catch (InputException) when (!BodyFields.Flag(function, "strict"))
        {
            return Call(BodyFields.Text(function, "name"), AnyObject()); // As good as the model can, as without a choice.
        }
    }

    private static JsonObject Call(string? name, JsonNode arguments) => new()
    {
        ["type"] = "object",
        ["properties"] = new JsonObject { ["name"] = new JsonObject { ["const"] = name }, ["arguments"] = arguments },
        ["required"] = new JsonArray("name", "arguments"),
    };

    private static JsonObject AnyObject() => new() { ["type"] = "object" };
}
