using System.Text;
using System.Text.Json;

namespace Sluice.Gateway;

internal static class JsonStrings
{
    /// <summary>Appends the string that the reader stands on; a short one without making a string of it.</summary>
    public static void AppendTo(this ref Utf8JsonReader reader, StringBuilder text)
    {
        const int StackChars = 256;
        if (reader.ValueSpan.Length > StackChars)
        {
            text.Append(reader.GetString());
            return;
        }

        Span<char> characters = stackalloc char[StackChars];
        text.Append(characters[..reader.CopyString(characters)]);
    }
}
