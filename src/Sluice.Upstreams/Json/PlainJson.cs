using System.Text.Encodings.Web;
using System.Text.Json;

namespace Sluice.Upstreams;

/// <summary>JSON as people read it in a terminal: quotes, apostrophes and letters of any script stand as they are. It is sent as
/// <c>application/json</c>, never inside HTML.</summary>
public static class PlainJson
{
    public static JsonWriterOptions Options { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
