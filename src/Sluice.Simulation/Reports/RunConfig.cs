using System.Text;
using System.Text.Json;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>The file that makes a saved run repeatable: a flat JSON map from flag, without dashes, to value.</summary>
/// <remarks>Values are strings. A flag given more than once has a list of strings. Order is kept.</remarks>
public static class RunConfig
{
    public static void Write(IReadOnlyList<KeyValuePair<string, string>> settings, Stream stream)
    {
        using var json = new Utf8JsonWriter(stream, RunJson.Options);
        WriteMap(json, settings);
    }

    /// <param name="name">Of the file, for messages.</param>
    /// <exception cref="InputException">Not a flat map of strings, numbers, truth values and lists of them.</exception>
    public static IReadOnlyList<KeyValuePair<string, string>> Read(Stream stream, string name)
    {
        try
        {
            using var document = JsonDocument.Parse(stream);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new InputException($"{name}: expected one JSON object of flags and values");

            var settings = new List<KeyValuePair<string, string>>();
            foreach (var flag in document.RootElement.EnumerateObject())
            {
                if (flag.Value.ValueKind != JsonValueKind.Array)
                    settings.Add(new(flag.Name, ValueOf(flag.Name, flag.Value, name)));
                else
                    foreach (var value in flag.Value.EnumerateArray())
                        settings.Add(new(flag.Name, ValueOf(flag.Name, value, name)));
            }

            return settings;
        }
        catch (JsonException e)
        {
            throw new InputException($"{name}: not JSON: {e.Message}");
        }
    }

    /// <summary>The command that repeats the run, quoted for a POSIX shell.</summary>
    public static string Command(string verb, IReadOnlyList<KeyValuePair<string, string>> settings)
    {
        var command = new StringBuilder("sluice ").Append(verb);
        foreach (var (flag, value) in settings) command.Append(" --").Append(flag).Append(' ').Append(Quoted(value));
        return command.ToString();
    }

    internal static void WriteMap(Utf8JsonWriter json, IReadOnlyList<KeyValuePair<string, string>> settings)
    {
        json.WriteStartObject();
        foreach (var flag in settings.GroupBy(s => s.Key, s => s.Value, StringComparer.Ordinal))
        {
            string[] values = [.. flag];
            if (values.Length == 1)
            {
                json.WriteString(flag.Key, values[0]);
                continue;
            }

            json.WriteStartArray(flag.Key);
            foreach (var value in values) json.WriteStringValue(value);
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private static string ValueOf(string flag, JsonElement value, string name) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Number => value.GetRawText(),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => throw new InputException($"{name}: \"{flag}\" must be a string, a number, true, false or a list of them"),
    };

    private static string Quoted(string value)
    {
        const string safe = "_-./:=,@%+";
        if (value.Length > 0 && value.All(c => char.IsAsciiLetterOrDigit(c) || safe.Contains(c))) return value;
        return $"'{value.Replace("'", "'\\''", StringComparison.Ordinal)}'";
    }
}
