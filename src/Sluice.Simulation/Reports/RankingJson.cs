using System.Text.Json;

namespace Sluice.Simulation;

/// <summary>A ranking as fields of the object of a comparison.</summary>
internal static class RankingJson
{
    public static void Write(Utf8JsonWriter json, Ranking ranking, IReadOnlyList<(string System, string Reason)> leftOut)
    {
        json.WriteString("ranked_by", ranking.IsByAttainment ? "slo_attainment" : "smooth_goodput_tokens_per_s");
        json.WriteString("interval", "half_width_95: Student's t over seeds; to_the_first: differences at equal seeds");
        json.WriteString("fairness_over", ranking.FairnessOver);
        json.WriteStartArray("seeds");
        foreach (var seed in ranking.Seeds) json.WriteStringValue(seed);
        json.WriteEndArray();

        json.WriteString("varies_over_seeds", ranking.Varies);

        json.WriteStartArray("ranking");
        foreach (var system in ranking.Systems) WriteSystem(json, system);
        json.WriteEndArray();

        json.WriteStartArray("left_out");
        foreach (var (system, reason) in leftOut)
        {
            json.WriteStartObject();
            json.WriteString("system", system);
            json.WriteString("reason", reason);
            json.WriteEndObject();
        }

        json.WriteEndArray();

        json.WriteStartArray("measured_here");
        foreach (var system in ranking.Systems)
        {
            json.WriteStartObject();
            json.WriteString("system", system.Label);
            RunJson.WriteFigure(json, "decision_us_per_step", system.DecisionMicroseconds);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteSystem(Utf8JsonWriter json, RankedSystem system)
    {
        json.WriteStartObject();
        json.WriteNumber("place", system.Place);
        json.WriteString("system", system.Label);
        Write(json, "slo_attainment", system.Attainment);
        Write(json, "to_the_first", system.ToTheFirst);
        json.WriteStartArray("classes");
        foreach (var (name, attainment) in system.Classes)
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            Write(json, "slo_attainment", attainment);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        Write(json, "goodput_rps", system.Goodput);
        Write(json, "token_deadline_attainment", system.TokenDeadlines);
        Write(json, "smooth_goodput_tokens_per_s", system.SmoothGoodput);
        Write(json, "dropped_share", system.Dropped);
        Write(json, "jain_fairness", system.Fairness);
        json.WriteStartArray("fingerprints");
        foreach (var run in system.Runs) json.WriteStringValue(run.Fingerprint);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string key, Estimate estimate)
    {
        json.WriteStartObject(key);
        RunJson.WriteFigure(json, "mean", estimate.Mean);
        RunJson.WriteFigure(json, "half_width_95", estimate.HalfWidth);
        json.WriteEndObject();
    }
}
