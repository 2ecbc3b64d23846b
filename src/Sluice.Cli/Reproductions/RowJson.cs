using System.Text.Encodings.Web;
using System.Text.Json;

namespace Sluice.Cli;

/// <summary>The rows of a reproduction as <c>{system, rows: [{claim, paper, ours, agrees, note}]}</c>.</summary>
public static class RowJson
{
    // Nothing here ends up in HTML, and "×" reads better than its escape.
    private static readonly JsonWriterOptions s_options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Write(string system, IReadOnlyList<ReproductionRow> rows, Stream stream)
    {
        using (var json = new Utf8JsonWriter(stream, s_options))
        {
            json.WriteStartObject();
            json.WriteString("system", system);
            json.WriteStartArray("rows");
            foreach (var row in rows)
            {
                json.WriteStartObject();
                json.WriteString("claim", row.Claim);
                json.WriteString("paper", row.Paper);
                json.WriteString("ours", row.Ours);
                json.WriteBoolean("agrees", row.Agrees);
                json.WriteString("note", row.Note);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        stream.Write("\n"u8);
    }
}
