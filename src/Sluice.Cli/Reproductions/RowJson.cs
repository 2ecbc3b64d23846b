using System.Text.Encodings.Web;
using System.Text.Json;

namespace Sluice.Cli;

/// <summary>The rows of a reproduction as <c>{system, rows: [{claim, paper, source, ours, agrees, note}]}</c>; of all of them as
/// <c>{systems: [that, …]}</c>. The source is the name of a <see cref="PaperSource"/> in small letters.</summary>
public static class RowJson
{
    // Nothing here ends up in HTML, and "×" reads better than its escape.
    private static readonly JsonWriterOptions s_options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Write(string system, IReadOnlyList<ReproductionRow> rows, Stream stream)
    {
        using (var json = new Utf8JsonWriter(stream, s_options)) WriteSystem(system, rows, json);
        stream.Write("\n"u8);
    }

    public static void WriteAll(IEnumerable<(IReproduction Reproduction, ReproductionResult Result)> results, Stream stream)
    {
        using (var json = new Utf8JsonWriter(stream, s_options))
        {
            json.WriteStartObject();
            json.WriteStartArray("systems");
            foreach (var (reproduction, result) in results) WriteSystem(reproduction.Name, result.Rows, json);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        stream.Write("\n"u8);
    }

    private static void WriteSystem(string system, IReadOnlyList<ReproductionRow> rows, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("system", system);
        json.WriteStartArray("rows");
        foreach (var row in rows)
        {
            json.WriteStartObject();
            json.WriteString("claim", row.Claim);
            json.WriteString("paper", row.Paper.Text);
            json.WriteString("source", row.Paper.Source.ToString().ToLowerInvariant());
            json.WriteString("ours", row.Ours);
            json.WriteBoolean("agrees", row.Agrees);
            json.WriteString("note", row.Note);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
