using System.Text.Json;
using Sluice.Storage;

namespace Sluice.Gateway;

internal static class FileJson
{
    public static void Write(Utf8JsonWriter json, StoredFile file)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, file.Id);
        json.WriteString("object"u8, "file"u8);
        json.WriteNumber("bytes"u8, file.Bytes);
        json.WriteNumber("created_at"u8, file.Created);
        if (file.Expires is { } expires) json.WriteNumber("expires_at"u8, expires);
        else json.WriteNull("expires_at"u8);
        json.WriteString("filename"u8, file.Name);
        json.WriteString("purpose"u8, file.Purpose);
        json.WriteString("status"u8, "processed"u8);
        json.WriteEndObject();
    }
}
