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
