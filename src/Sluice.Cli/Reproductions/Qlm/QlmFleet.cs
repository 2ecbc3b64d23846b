using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>The devices of an experiment, and how many traces of 3,500 requests it gets.</summary>
/// <param name="A100s">Those that serve models of one device.</param>
/// <param name="Quads">Engines of four A100 each, for the 70B models; W_B alone has them.</param>
/// <param name="Traces">3,500 requests are nothing to 80 devices: 44 each, less than a batch, so that they would never queue. 28
/// times as many are as many for a device as one trace is in the small fleet: five to ten batches.</param>
internal sealed record QlmFleet(int A10s, int A100s, int Quads, int Traces)
{
    public const int RequestsPerTrace = 3500;

    private static readonly EngineProfile s_7 = ProfileCatalog.Find("llama-2-7b@a100");
    private static readonly EngineProfile s_7OnA10 = ProfileCatalog.Find("llama-2-7b@a10");
    private static readonly EngineProfile s_13 = ProfileCatalog.Find("llama-2-13b@a100");
    private static readonly EngineProfile s_70 = ProfileCatalog.Find("llama-2-70b@a100:tp4");

    /// <summary>A twenty-fifth of the paper's.</summary>
    public static QlmFleet Small { get; } = new(1, 2, 1, 1);

    /// <summary>The paper's 30 A10 and 50 A100.</summary>
    public static QlmFleet Paper { get; } = new(30, 50, 2, 28);

    /// <summary>The same where two of the engines take four A100 each.</summary>
    public QlmFleet WithQuads => this == Paper ? this with { A100s = A100s - 4 * Quads } : this;

    /// <summary>The models of W_B by popularity, which falls as 1/rank. Variants of one size differ in name alone.</summary>
    public static IReadOnlyList<(string Name, int Billions)> Models { get; } =
    [
        ("mistral-7b", 7), ("vicuna-13b", 13), ("mistral-7b-code", 7), ("llama-70b", 70), ("mistral-7b-chat", 7),
        ("vicuna-13b-law", 13), ("mistral-7b-law", 7), ("llama-70b-chat", 70),
    ];

    public int Requests => Traces * RequestsPerTrace;

    public string Text => $"{A10s} A10 and {A100s} A100" + (Quads > 0 ? $", {Quads} × 4 A100 for 70B" : "");

    /// <summary>One 7B model on every device.</summary>
    public SimulationOptions OneModel => Options(
        [.. Enumerable.Repeat<EngineSetup>(s_7OnA10, A10s), .. Enumerable.Repeat<EngineSetup>(s_7, A100s)]);

    /// <summary>All models; an engine begins with one that it can run, in turn.</summary>
    public SimulationOptions AllModels
    {
        get
        {
            var engines = new List<EngineSetup>();
            Add(A10s, billions => billions == 7 ? s_7OnA10 : null);
            Add(A100s, billions => billions switch { 7 => s_7, 13 => s_13, _ => null });
            Add(Quads, billions => billions == 70 ? s_70 : null);
            return Options(engines);

            void Add(int count, Func<int, EngineProfile?> profileOf)
            {
                EngineProfile?[] profiles = [.. Models.Select(m => profileOf(m.Billions))];
                int[] able = [.. Enumerable.Range(0, profiles.Length).Where(m => profiles[m] is not null)];
                for (var i = 0; i < count; i++) engines.Add(new(profiles, new(able[i % able.Length])));
            }
        }
    }

    /// <summary>Requests per second that all devices sustain at mean lengths and full batches, one 7B model: what rates are
    /// multiples of.</summary>
    public double OneModelRate(double prompt, double output) =>
        A10s * EngineRate(s_7OnA10, prompt, output) + A100s * EngineRate(s_7, prompt, output);

    /// <summary>The same for all models at their popularity, without any loads; the smaller of what the single devices and
    /// the fours of them sustain.</summary>
    public double AllModelsRate(double prompt, double output)
    {
        var (on7, on13) = (1 / EngineRate(s_7, prompt, output), 1 / EngineRate(s_13, prompt, output));
        var singles = (A100s + A10s * EngineRate(s_7OnA10, prompt, output) * on7) / (ShareOf(7) * on7 + ShareOf(13) * on13);
        return Math.Min(singles, Quads * EngineRate(s_70, prompt, output) / ShareOf(70));
    }

    public static double Popularity(int model) => 1.0 / (model + 1) / Enumerable.Range(1, Models.Count).Sum(k => 1.0 / k);

    private static double ShareOf(int billions) =>
        Enumerable.Range(0, Models.Count).Where(m => Models[m].Billions == billions).Sum(Popularity);

    /// <summary>Host memory holds the weights of every model, as the paper's does; the first load of each comes from
    /// disk.</summary>
    private static SimulationOptions Options(IReadOnlyList<EngineSetup> engines) =>
        new() { Engines = engines, Limits = new(TokenBudget: 2048, SequencesMax: 256), WarmModelsMax = Models.Count };

    private static double EngineRate(EngineProfile profile, double prompt, double output)
    {
        var step = new ClosedFormStepTime(profile);
        var kvTokens = prompt + output / 2;
        var batch = (int)Math.Min(256, profile.KvTokens / kvTokens);
        var decode = new BatchShape { DecodeSequences = batch, ContextTokens = (long)(batch * kvTokens) };
        var mixed = decode with { PrefillTokens = (int)prompt, AttentionPairsTwice = (long)(prompt * prompt) };
        var prefill = step.StepTime(in mixed) - step.StepTime(in decode);
        return 1e15 / (prefill + output * step.StepTime(in decode) / batch);
    }
}
