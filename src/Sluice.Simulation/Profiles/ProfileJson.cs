using System.Text.Json;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Reads profiles from JSON: <c>{ "schema": "sluice-profiles/1", "profiles": [ … ] }</c>, or with the keys of a
/// single profile beside the schema. Strict: an unknown key is an error that names the nearest known one.</summary>
internal static class ProfileJson
{
    public const string Schema = "sluice-profiles/1";

    private static readonly JsonDocumentOptions s_options = new()
    {
        AllowDuplicateProperties = false,
        AllowTrailingCommas = true,
        CommentHandling = JsonCommentHandling.Skip,
    };

    /// <param name="source">Begins every message.</param>
    public static IReadOnlyList<EngineProfile> Read(ReadOnlyMemory<byte> utf8, string source)
    {
        try
        {
            using var document = JsonDocument.Parse(WithoutMark(utf8), s_options);
            return Read(new JsonFields(document.RootElement, source), source);
        }
        catch (JsonException e)
        {
            throw new InputException($"{source}: no valid JSON: {e.Message}");
        }
    }

    private static List<EngineProfile> Read(JsonFields root, string source)
    {
        var schema = root.Text("schema");
        if (schema != Schema) throw new InputException($"{source}: schema '{schema}': expected '{Schema}'.");

        if (root.Objects("profiles") is not { } objects) return [Profile(root)];
        root.RefuseUnread();

        var profiles = new List<EngineProfile>();
        foreach (var fields in objects)
        {
            var profile = Profile(fields);
            if (profiles.Exists(p => p.Name == profile.Name))
                throw new InputException($"{source}: {profile.Name} is there twice.");
            profiles.Add(profile);
        }

        return profiles.Count > 0 ? profiles : throw new InputException($"{source}: no profiles in it.");
    }

    private static EngineProfile Profile(JsonFields f)
    {
        var name = ProfileName.Parse(f.Text("name"), f.Path("name"));
        var profile = new EngineProfile
        {
            Name = name.ToString(),
            Model = name.Model,
            Device = name.Device,
            TensorParallel = name.TensorParallel,
            Coefficients = Coefficients(f.Object("coefficients")),
            KvBytesPerToken = f.Whole("kvBytesPerToken", min: 1, max: 1L << 40),
            KvTokens = (int)f.Whole("kvTokens", min: 1, max: int.MaxValue),
            WeightGigabytes = f.Number("weightGigabytes", min: 0, max: 1e6),
            FirstTokenExtraIterations = f.Number("firstTokenExtraIterations", min: 0, max: 100, byDefault: 1.3),
            ApiOverheadMilliseconds = f.Number("apiOverheadMilliseconds", min: 0, max: 1e5, byDefault: 4),
            HostGigabytesPerSecond = f.Number("hostGigabytesPerSecond", min: 0.001, max: 1e6, byDefault: 25),
            EncoderMillisecondsPerToken = f.Number("encoderMillisecondsPerToken", min: 0, max: 1e4, byDefault: 0.02),
            VideoMillisecondsPerToken = f.Has("videoMillisecondsPerToken") ? f.Number("videoMillisecondsPerToken", min: 0, max: 1e4) : null,
            Fit = f.Has("fit") ? Fit(f.Object("fit")) : null,
            Points = f.Has("points") ? Points(f.Object("points")) : null,
            SeenRuns = f.Texts("seenRuns"),
            Origin = f.Text("origin"),
        };
        f.RefuseUnread();
        return profile;
    }

    private static StepCoefficients Coefficients(JsonFields f)
    {
        var k = new StepCoefficients
        {
            A = f.Number("a", 0, 1e6),
            B = f.Number("b", 0, 1e3),
            C = f.Number("c", 0, 1e3),
            D = f.Number("d", 0, 10),
            E = f.Number("e", 0, 1),
            G = f.Number("g", 0, 1e3, byDefault: 0),
            N0 = (int)f.Whole("n0", 0, int.MaxValue, byDefault: 0),
            M = f.Number("m", 0, 10, byDefault: 0),
            H = f.Number("h", 0, 1e6, byDefault: 0),
            X = f.Number("x", 0, 1e6, byDefault: 0),
            TopK = (int)f.Whole("topK", 0, 1 << 16, byDefault: 0),
            Experts = (int)f.Whole("experts", 0, 1 << 16, byDefault: 0),
        };
        f.RefuseUnread();
        if (k.Experts > 0 && (k.TopK < 1 || k.TopK >= k.Experts))
            throw new InputException($"{f.Path("topK")}: expected 1 to {k.Experts - 1}, fewer than 'experts'.");
        if (k.Experts == 0 && (k.TopK > 0 || k.X > 0))
            throw new InputException($"{f.Path("experts")}: missing; 'x' and 'topK' mean nothing without it.");
        return k;
    }

    private static FitQuality Fit(JsonFields f)
    {
        var fit = new FitQuality(
            f.Number("r2", -1e6, 1),
            f.Number("meanErrorPercent", 0, 1e6),
            f.Has("p95ErrorPercent") ? f.Number("p95ErrorPercent", 0, 1e6) : null);
        f.RefuseUnread();
        return fit;
    }

    private static ReferencePoints Points(JsonFields f)
    {
        var points = new ReferencePoints(
            At("decode1"), At("decode32"), At("decode128"), At("prefill512"), At("prefill2048"), At("mixed"));
        f.RefuseUnread();
        return points;

        double At(string key) => f.Number(key, 1e-6, 1e7);
    }

    /// <summary>The byte-order mark that some editors put in front.</summary>
    private static ReadOnlyMemory<byte> WithoutMark(ReadOnlyMemory<byte> utf8) =>
        utf8.Span.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8;
}
