using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>What an answer must be: any JSON object, or JSON of a schema. Made once per request or shared; may be used from any
/// thread.</summary>
/// <remarks>A schema may use <c>type</c>, <c>properties</c> (in this order), <c>required</c>, <c>additionalProperties</c> (false where
/// there are properties and it is not said), <c>items</c>, <c>minItems</c>, <c>maxItems</c>, <c>minLength</c>, <c>maxLength</c>,
/// <c>enum</c>, <c>const</c>, <c>anyOf</c>, <c>oneOf</c> (as anyOf), <c>$ref</c> within itself. Other keywords that restrict are refused;
/// those that only describe are passed over.</remarks>
public sealed class JsonGrammar
{
    private const int NodesMax = 4096;
    private const int DepthMax = 64;
    private const int AlternativesMax = 32;
    private const int LiteralsMax = short.MaxValue;

    private static readonly JsonSerializerOptions s_plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly string[] s_types = ["object", "array", "string", "number", "integer", "boolean", "null"];

    private static readonly string[] s_understood =
    [
        "type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems", "minLength", "maxLength", "enum",
        "const", "anyOf", "oneOf", "$ref", "$defs", "definitions",
    ];

    private static readonly string[] s_describing =
    [
        "title", "description", "default", "examples", "example", "format", "deprecated", "readOnly", "writeOnly", "$schema", "$id",
        "$comment", "strict", "nullable",
    ];

    private readonly List<JsonNode> _nodes = [];
    private readonly Dictionary<string, int> _references = new(StringComparer.Ordinal);
    private readonly ConditionalWeakTable<Tokenizer, JsonMasks> _masks = [];
    private readonly JsonElement _schema;
    private int _any = -1;

    private JsonGrammar(JsonElement schema)
    {
        _schema = schema;
        if (schema.ValueKind == JsonValueKind.Undefined)
        {
            Root = Add(new() { Kind = JsonKind.Object, Additional = Any() });
            JsonSchemaCheck.Finish(_nodes, Root);
            return;
        }

        Root = Compile(schema, "schema", 0);
        JsonSchemaCheck.Finish(_nodes, Root);
    }

    /// <summary>Any JSON object.</summary>
    public static JsonGrammar AnyObject { get; } = new(default(JsonElement));

    internal int Root { get; }

    internal JsonNode this[int node] => _nodes[node];

    /// <exception cref="InputException">The schema is none, or uses what is not supported; the message says where.</exception>
    public static JsonGrammar OfSchema(JsonElement schema) => new(schema.Clone());

    internal JsonMasks MasksFor(Tokenizer tokenizer) => _masks.GetValue(tokenizer, t => new(this, t));

    private int Add(JsonNode node)
    {
        if (_nodes.Count >= NodesMax) throw new InputException($"schema: has more than {NodesMax} parts.");
        _nodes.Add(node);
        return _nodes.Count - 1;
    }

    private int Any()
    {
        if (_any >= 0) return _any;
        var union = new JsonNode { Kind = JsonKind.Union };
        _any = Add(union);
        union.Alternatives.AddRange(s_types.Where(type => type != "integer").Select(type => OfType(type, default, "", 0)));
        return _any;
    }

    private int Compile(JsonElement schema, string path, int depth)
    {
        if (depth > DepthMax) throw new InputException($"{path}: nested more than {DepthMax} deep.");
        if (schema.ValueKind == JsonValueKind.True) return Any();
        if (schema.ValueKind != JsonValueKind.Object) throw new InputException($"{path}: is {schema.ValueKind}; expected a schema object.");
        foreach (var keyword in schema.EnumerateObject())
            if (!s_understood.Contains(keyword.Name) && !s_describing.Contains(keyword.Name))
                throw new InputException($"{path}.{keyword.Name}: is not supported; expected {string.Join(", ", s_understood)}.");

        if (schema.TryGetProperty("$ref", out var reference)) return Referenced(reference, path, depth);
        if (schema.TryGetProperty("const", out var constant)) return Literals([constant]);
        if (schema.TryGetProperty("enum", out var values)) return Literals(Elements(values, path + ".enum"));
        if (schema.TryGetProperty("anyOf", out var any) || schema.TryGetProperty("oneOf", out any))
            return Union(Elements(any, path + ".anyOf").Select((one, i) => Compile(one, $"{path}.anyOf[{i}]", depth + 1)), path);
        if (!schema.TryGetProperty("type", out var type))
            return schema.TryGetProperty("properties", out _) ? OfType("object", schema, path, depth) : Any();
        return type.ValueKind == JsonValueKind.Array
            ? Union(Elements(type, path + ".type").Select(one => OfType(TypeName(one, path), schema, path, depth)), path)
            : OfType(TypeName(type, path), schema, path, depth);
    }

    private int Referenced(JsonElement reference, string path, int depth)
    {
        var target = reference.ValueKind == JsonValueKind.String ? reference.GetString()! : "";
        if (_references.TryGetValue(target, out var known)) return known;
        if (!target.StartsWith('#')) throw new InputException($"{path}.$ref: '{target}' leads out of the schema; expected '#/…'.");
        var at = _schema;
        foreach (var part in target.Split('/').Skip(1))
        {
            var name = part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            if (at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(name, out at))
                throw new InputException($"{path}.$ref: '{target}' leads nowhere.");
        }

        // Listed before it is compiled, so that a schema may refer to itself.
        var union = new JsonNode { Kind = JsonKind.Union };
        var index = Add(union);
        _references[target] = index;
        union.Alternatives.Add(Compile(at, target, depth + 1));
        return index;
    }

    private int Union(IEnumerable<int> alternatives, string path)
    {
        var union = new JsonNode { Kind = JsonKind.Union };
        union.Alternatives.AddRange(alternatives);
        if (union.Alternatives.Count is 0 or > AlternativesMax)
            throw new InputException($"{path}: {union.Alternatives.Count} alternatives; expected 1 to {AlternativesMax}.");
        return Add(union);
    }

    private int Literals(IEnumerable<JsonElement> values)
    {
        var node = new JsonNode { Kind = JsonKind.Literals };
        node.Literals.AddRange(values.Select(value => JsonSerializer.SerializeToUtf8Bytes(value, s_plain)));
        if (node.Literals.Count is 0 or > LiteralsMax)
            throw new InputException($"schema: an enum of {node.Literals.Count} values; expected 1 to {LiteralsMax}.");
        node.SortLiterals();
        return Add(node);
    }

    private int OfType(string type, JsonElement schema, string path, int depth)
    {
        switch (type)
        {
            case "object": return Object(schema, path, depth);
            case "array":
                var array = new JsonNode { Kind = JsonKind.Array };
                var index = Add(array);
                (array.Min, array.Max) = Bounds(schema, "minItems", "maxItems", path);
                array.Items = Has(schema, "items", out var items) ? Compile(items, path + ".items", depth + 1) : Any();
                return index;
            case "string":
                var (min, max) = Bounds(schema, "minLength", "maxLength", path);
                return Add(new() { Kind = JsonKind.Text, Min = min, Max = max });
            case "number": return Add(new() { Kind = JsonKind.Number });
            case "integer": return Add(new() { Kind = JsonKind.Integer });
            case "boolean": return Literals([Json("true"), Json("false")]);
            default: return Literals([Json("null")]);
        }
    }

    private int Object(JsonElement schema, string path, int depth)
    {
        var node = new JsonNode { Kind = JsonKind.Object };
        var index = Add(node);
        var required = new HashSet<string>(StringComparer.Ordinal);
        if (Has(schema, "required", out var names))
            foreach (var name in Elements(names, path + ".required")) required.Add(name.ToString());
        var hasProperties = Has(schema, "properties", out var properties);
        if (hasProperties && properties.ValueKind != JsonValueKind.Object)
            throw new InputException($"{path}.properties: is {properties.ValueKind}; expected an object.");
        foreach (var property in hasProperties ? properties.EnumerateObject().ToArray() : [])
            node.Properties.Add(new(
                JsonSerializer.SerializeToUtf8Bytes(property.Name, s_plain),
                Compile(property.Value, $"{path}.properties.{property.Name}", depth + 1), required.Remove(property.Name)));
        foreach (var name in required) node.Properties.Add(new(JsonSerializer.SerializeToUtf8Bytes(name, s_plain), Any(), true));

        node.Additional = !Has(schema, "additionalProperties", out var additional) ? node.Properties.Count > 0 ? -1 : Any()
            : additional.ValueKind == JsonValueKind.False ? -1
            : Compile(additional, path + ".additionalProperties", depth + 1);
        return index;
    }

    private static (int Min, int Max) Bounds(JsonElement schema, string min, string max, string path)
    {
        int Read(string name, int otherwise)
        {
            if (!Has(schema, name, out var value)) return otherwise;
            return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var bound) && bound >= 0
                ? bound
                : throw new InputException($"{path}.{name}: is {value}; expected an integer of at least 0.");
        }

        var bounds = (Read(min, 0), Read(max, int.MaxValue));
        return bounds.Item1 <= bounds.Item2 ? bounds : throw new InputException($"{path}.{min}: exceeds {max}.");
    }

    private static bool Has(JsonElement schema, string name, out JsonElement value)
    {
        value = default;
        return schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty(name, out value);
    }

    private static List<JsonElement> Elements(JsonElement array, string path) => array.ValueKind == JsonValueKind.Array
        ? [.. array.EnumerateArray()]
        : throw new InputException($"{path}: is {array.ValueKind}; expected an array.");

    private static string TypeName(JsonElement type, string path)
    {
        var name = type.ToString();
        return s_types.Contains(name) ? name : throw new InputException($"{path}.type: '{name}': {Nearest.HintAndList(name, s_types)}.");
    }

    private static JsonElement Json(string json) => JsonDocument.Parse(json).RootElement;
}

internal enum JsonKind : byte { Object, Array, Text, Number, Integer, Literals, Union }

/// <summary>One part of a schema; others are named by their index in the grammar.</summary>
internal sealed class JsonNode
{
    public required JsonKind Kind { get; init; }

    /// <summary>Of an object, in the order in which they are written.</summary>
    public List<JsonProperty> Properties { get; } = [];

    /// <summary>Of an object's other members; -1 if it may have none.</summary>
    public int Additional { get; set; } = -1;

    public int Items { get; set; }

    /// <summary>Fewest elements or characters.</summary>
    public int Min { get; set; }

    public int Max { get; set; } = int.MaxValue;

    /// <summary>Values as they are written, each once, in the order of their bytes.</summary>
    public List<byte[]> Literals { get; } = [];

    /// <summary>Of a union. Once the schema is read none of them is a union.</summary>
    public List<int> Alternatives { get; } = [];

    public void SortLiterals()
    {
        Literals.Sort((a, b) => a.AsSpan().SequenceCompareTo(b));
        for (var i = Literals.Count - 1; i > 0; i--)
            if (Literals[i].AsSpan().SequenceEqual(Literals[i - 1])) Literals.RemoveAt(i);
    }

    /// <summary>Of literals that have the same bytes before a place, those with a certain byte there.</summary>
    /// <param name="from">The first of them all.</param>
    /// <param name="to">After the last of them all.</param>
    /// <returns>The first, and after the last; none if both are equal.</returns>
    public (int From, int To) LiteralsWith(int from, int to, int at, byte c) =>
        (FirstFrom(from, to, at, c), FirstFrom(from, to, at, c + 1));

    /// <summary>The first whose byte at a place is no smaller; one that has ended before it has a smaller one.</summary>
    private int FirstFrom(int from, int to, int at, int least)
    {
        while (from < to)
        {
            var middle = (from + to) / 2;
            if (Literals[middle].Length > at && Literals[middle][at] >= least) to = middle;
            else from = middle + 1;
        }

        return from;
    }
}

/// <param name="Key">As it is written, with its quotes.</param>
internal sealed record JsonProperty(byte[] Key, int Node, bool IsRequired);
