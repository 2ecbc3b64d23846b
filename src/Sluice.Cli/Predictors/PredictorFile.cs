using System.Text.Json;
using Sluice.Core;
using Sluice.Policies;

namespace Sluice.Cli;

/// <summary>A trained length predictor as JSON: <c>{format, version, trained, ranker: [weights], median, upper: {level, base, trees:
/// [[[feature, threshold, value], …], …]}}</c>.</summary>
internal static class PredictorFile
{
    private const string Format = "sluice-length-predictor";
    private const int Version = 1;
    private const int BytesMax = 64 << 20, TreesMax = 10_000, NodesMax = 15;

    private static readonly JsonWriterOptions s_options = new() { Indented = false };

    public static void Write(TrainedLength model, string path)
    {
        using var file = File.Create(path);
        using var json = new Utf8JsonWriter(file, s_options);
        json.WriteStartObject();
        json.WriteString("format", Format);
        json.WriteNumber("version", Version);
        json.WriteNumber("trained", model.Trained);
        json.WriteStartArray("ranker");
        foreach (var weight in model.Ranker.Weights) json.WriteNumberValue(weight);
        json.WriteEndArray();
        WriteTrees(json, "median", model.Median);
        WriteTrees(json, "upper", model.Upper);
        json.WriteEndObject();
    }

    /// <exception cref="InputException">Not such a file; the message says what is wrong.</exception>
    public static TrainedLength Read(string path)
    {
        try
        {
            var info = new FileInfo(path);
            if (!info.Exists) throw new InputException($"{path}: no such file.");
            if (info.Length > BytesMax) throw new InputException($"{path}: {info.Length} bytes, expected at most {BytesMax}.");
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return Read(document.RootElement, path);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new InputException($"{path}: no predictor as 'sluice predictor train' writes it: {e.Message}");
        }
    }

    private static TrainedLength Read(JsonElement root, string path)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("format", out var format) || format.GetString() != Format)
            throw new InputException($"{path}: has no \"format\": \"{Format}\"; expected a file that 'sluice predictor train' wrote.");
        if (root.GetProperty("version").GetInt32() is var version && version != Version)
            throw new InputException($"{path}: version {version}, expected {Version}; train it again.");

        double[] weights = [.. root.GetProperty("ranker").EnumerateArray().Select(w => w.GetDouble())];
        if (weights.Length != RequestFeatures.Count)
            throw new InputException($"{path}: {weights.Length} ranker weights, expected {RequestFeatures.Count}; train it again.");
        return new(
            new LinearRanker { Weights = weights }, ReadTrees(root.GetProperty("median"), path), ReadTrees(root.GetProperty("upper"), path),
            root.GetProperty("trained").GetInt32());
    }

    private static void WriteTrees(Utf8JsonWriter json, string name, QuantileTrees trees)
    {
        json.WriteStartObject(name);
        json.WriteNumber("level", trees.Level);
        json.WriteNumber("base", trees.Base);
        json.WriteStartArray("trees");
        foreach (var tree in trees.Trees)
        {
            json.WriteStartArray();
            foreach (var (feature, threshold, value) in tree)
            {
                json.WriteStartArray();
                json.WriteNumberValue(feature);
                json.WriteNumberValue(threshold);
                json.WriteNumberValue(value);
                json.WriteEndArray();
            }

            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static QuantileTrees ReadTrees(JsonElement element, string path)
    {
        var trees = new QuantileTrees { Level = element.GetProperty("level").GetDouble(), Base = element.GetProperty("base").GetDouble() };
        foreach (var tree in element.GetProperty("trees").EnumerateArray())
        {
            (int Feature, double, double)[] nodes =
                [.. tree.EnumerateArray().Select(n => (n[0].GetInt32(), n[1].GetDouble(), n[2].GetDouble()))];
            // A node that is split has its children in the tree, so that a walk ends.
            if (nodes.Length != NodesMax || trees.Trees.Count == TreesMax ||
                nodes.Where((n, i) => n.Feature >= RequestFeatures.Count || (n.Feature >= 0 && 2 * i + 2 >= NodesMax)).Any())
                throw new InputException($"{path}: tree {trees.Trees.Count} cannot be walked; train it again.");
            trees.Trees.Add(nodes);
        }

        return trees;
    }
}
