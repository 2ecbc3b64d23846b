using System.Text.Json;
using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>What really happened to the requests of a journal, beside what they asked for.</summary>
/// <param name="Ttft">Of those that finished [ms].</param>
/// <param name="E2e">Of those that finished [ms].</param>
public sealed record RecordedFates(int Requests, int Finished, int Met, int Evictions, Distribution Ttft, Distribution E2e)
{
    private const double UnitsPerMillisecond = 1000;

    /// <exception cref="InputException">A line is no JSON object; the message names it.</exception>
    public static RecordedFates Read(string path)
    {
        var (requests, finished, met, evictions, number) = (0, 0, 0, 0, 0);
        var (ttft, e2e) = (new List<long>(), new List<long>());
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (line.Length == 0) continue;
            using var json = Parse(path, number, line);
            var fate = json.RootElement;
            requests++;
            evictions += (int)NumberOf(fate, "evictions");
            if (fate.TryGetProperty("met_slo", out var kept) && kept.ValueKind == JsonValueKind.True) met++;
            if (!fate.TryGetProperty("outcome", out var outcome) || outcome.ValueKind != JsonValueKind.String) continue;
            if (!outcome.ValueEquals("finished")) continue;
            finished++;
            ttft.Add((long)(NumberOf(fate, "ttft_ms") * UnitsPerMillisecond));
            e2e.Add((long)(NumberOf(fate, "e2e_ms") * UnitsPerMillisecond));
        }

        return new(requests, finished, met, evictions, Of(ttft), Of(e2e));
    }

    /// <summary>The policy that a journal was recorded under, as its first line has it; null if it does not say.</summary>
    /// <exception cref="InputException">The line is no JSON object.</exception>
    public static (string System, IReadOnlyList<KeyValuePair<string, string>> Set)? PolicyOf(string path)
    {
        if (File.ReadLines(path).FirstOrDefault(line => line.Length > 0) is not { } first) return null;
        using var json = Parse(path, 1, first);
        if (TextOf(json.RootElement, "policy") is not { Length: > 0 } system) return null;
        var settings = (TextOf(json.RootElement, "policy_set") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries)
            .Select(s => s.Split('=', 2)).Where(s => s.Length == 2);
        return (system, [.. settings.Select(s => KeyValuePair.Create(s[0], s[1]))]);
    }

    private static string? TextOf(JsonElement line, string name) =>
        line.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static Distribution Of(List<long> values)
    {
        values.Sort();
        return Distribution.OfSorted([.. values], UnitsPerMillisecond);
    }

    private static double NumberOf(JsonElement fate, string name) =>
        fate.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : 0;

    private static JsonDocument Parse(string path, int number, string line)
    {
        try
        {
            var json = JsonDocument.Parse(line);
            if (json.RootElement.ValueKind == JsonValueKind.Object) return json;
            json.Dispose();
        }
        catch (JsonException)
        {
            // Said below.
        }

        throw new InputException($"{path}:{number}: found no JSON object, expected one per line, as the gateway's journal has them.");
    }
}
