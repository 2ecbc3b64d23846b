using System.Text;
using System.Text.Json;

namespace Sluice.Upstreams;

/// <summary>The smallest value that a JSON schema allows, for tool calls and structured answers of a demo engine.</summary>
/// <remarks>Knows type, properties, required, items, enum, const, default, anyOf and oneOf, minimum. What it does not know it
/// ignores, so that the value may break a rule of the schema.</remarks>
internal static class SchemaSample
{
    private const int DepthMax = 16;

    /// <param name="schema">Undefined for no schema, which gives an empty object.</param>
    public static string Write(JsonElement schema)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream)) Write(json, schema, 0);
        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    private static void Write(Utf8JsonWriter json, JsonElement schema, int depth)
    {
        if (schema.ValueKind != JsonValueKind.Object || depth > DepthMax)
        {
            json.WriteStartObject();
            json.WriteEndObject();
            return;
        }

        if (schema.TryGetProperty("const"u8, out var constant)) constant.WriteTo(json);
        else if (schema.TryGetProperty("default"u8, out var byDefault)) byDefault.WriteTo(json);
        else if (FirstOf(schema, "enum"u8) is { } choice) choice.WriteTo(json);
        else if ((FirstOf(schema, "anyOf"u8) ?? FirstOf(schema, "oneOf"u8)) is { } branch) Write(json, branch, depth + 1);
        else WriteType(json, schema, TypeOf(schema), depth);
    }

    private static void WriteType(Utf8JsonWriter json, JsonElement schema, string type, int depth)
    {
        switch (type)
        {
            case "string":
                json.WriteStringValue("demo");
                break;
            case "integer" or "number":
                json.WriteNumberValue(
                    schema.TryGetProperty("minimum"u8, out var least) && least.TryGetDecimal(out var value) ? value : 1);
                break;
            case "boolean":
                json.WriteBooleanValue(true);
                break;
            case "null":
                json.WriteNullValue();
                break;
            case "array":
                json.WriteStartArray();
                if (schema.TryGetProperty("items"u8, out var items)) Write(json, items, depth + 1);
                json.WriteEndArray();
                break;
            default:
                WriteObject(json, schema, depth);
                break;
        }
    }

    private static void WriteObject(Utf8JsonWriter json, JsonElement schema, int depth)
    {
        json.WriteStartObject();
        if (schema.TryGetProperty("properties"u8, out var properties) && properties.ValueKind == JsonValueKind.Object)
            foreach (var property in properties.EnumerateObject())
            {
                if (!IsRequired(schema, property.Name)) continue;
                json.WritePropertyName(property.Name);
                Write(json, property.Value, depth + 1);
            }

        json.WriteEndObject();
    }

    private static bool IsRequired(JsonElement schema, string name)
    {
        if (!schema.TryGetProperty("required"u8, out var required) || required.ValueKind != JsonValueKind.Array) return false;
        foreach (var item in required.EnumerateArray())
            if (item.ValueKind == JsonValueKind.String && item.ValueEquals(name)) return true;
        return false;
    }

    private static string TypeOf(JsonElement schema)
    {
        if (!schema.TryGetProperty("type"u8, out var type)) return "object";
        if (type.ValueKind == JsonValueKind.Array && type.GetArrayLength() > 0) type = type[0];
        return type.ValueKind == JsonValueKind.String ? type.GetString()! : "object";
    }

    private static JsonElement? FirstOf(JsonElement schema, ReadOnlySpan<byte> name) =>
        schema.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array && list.GetArrayLength() > 0 ? list[0] : null;
}
