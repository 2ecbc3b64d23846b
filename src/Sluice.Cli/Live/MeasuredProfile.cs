using System.Globalization;
using System.Text.Json;
using Sluice.Engine;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>An engine profile of a model on this machine, from timed steps.</summary>
internal static class MeasuredProfile
{
    public static EngineProfile Of(OpenModel model, string file, int threads, IReadOnlyList<StepSample> samples, int rounds)
    {
        var (coefficients, quality) = StepFit.Of(samples);
        var blockTokens = model.Transformer.BlockTokens;
        var name = Path.GetFileNameWithoutExtension(file).ToLowerInvariant().Replace('@', '-').Replace(':', '-');
        return new()
        {
            Name = $"{name}@cpu{threads}",
            Model = name,
            Device = $"cpu{threads}",
            Coefficients = coefficients,
            KvBytesPerToken = model.Transformer.BlockBytes / blockTokens,
            KvTokens = model.Transformer.TotalBlocks * blockTokens,
            WeightGigabytes = Math.Round(model.WeightBytes / 1e9, 4),
            FirstTokenExtraIterations = 0,
            ApiOverheadMilliseconds = 0,
            HostGigabytesPerSecond = 10,
            Fit = quality,
            Origin = string.Create(CultureInfo.InvariantCulture,
                $"Measured by sluice profile on {threads} threads of this machine: {samples.Count} kinds of steps, ")
                + string.Create(CultureInfo.InvariantCulture, $"{rounds} times each."),
        };
    }

    /// <summary>In the form that <c>--profile FILE</c> reads.</summary>
    public static void Write(Stream stream, EngineProfile p)
    {
        using var json = new Utf8JsonWriter(stream, new() { Indented = true });
        json.WriteStartObject();
        json.WriteString("schema", "sluice-profiles/1");
        json.WriteString("name", p.Name);
        json.WriteStartObject("coefficients");
        var k = p.Coefficients;
        var keys = new[] { ("a", k.A), ("b", k.B), ("c", k.C), ("d", k.D), ("e", k.E), ("g", k.G), ("m", k.M), ("h", k.H) };
        foreach (var (key, value) in keys) json.WriteNumber(key, Rounded(value));
        json.WriteNumber("n0", k.N0);
        json.WriteEndObject();
        json.WriteNumber("kvBytesPerToken", p.KvBytesPerToken);
        json.WriteNumber("kvTokens", p.KvTokens);
        json.WriteNumber("weightGigabytes", p.WeightGigabytes);
        json.WriteNumber("firstTokenExtraIterations", p.FirstTokenExtraIterations);
        json.WriteNumber("apiOverheadMilliseconds", p.ApiOverheadMilliseconds);
        json.WriteNumber("hostGigabytesPerSecond", p.HostGigabytesPerSecond);
        if (p.Fit is { } fit)
        {
            json.WriteStartObject("fit");
            json.WriteNumber("r2", fit.R2);
            json.WriteNumber("meanErrorPercent", fit.MeanErrorPercent);
            if (fit.P95ErrorPercent is { } p95) json.WriteNumber("p95ErrorPercent", p95);
            json.WriteEndObject();
        }

        json.WriteString("origin", p.Origin);
        json.WriteEndObject();
    }

    /// <summary>Four digits: more are not measured.</summary>
    private static double Rounded(double value) =>
        double.Parse(value.ToString("G4", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
