namespace Sluice.Simulation;

/// <summary>A key of a description: what it means, its unit, and its default in brackets.</summary>
public sealed record SpecKey(string Name, string Meaning);

/// <summary>Keys that several kinds share.</summary>
public sealed record SpecKeys(string Title, IReadOnlyList<SpecKey> Keys);

/// <summary>A kind of generated workload.</summary>
/// <param name="Example">A description that works as it stands, unless it names a folder.</param>
/// <param name="Own">Keys of this kind alone.</param>
/// <param name="Shared">Groups it takes as well.</param>
public sealed record SpecKind(
    string Name, string Summary, string Example, IReadOnlyList<SpecKey> Own, IReadOnlyList<SpecKeys> Shared)
{
    public IEnumerable<string> Keys => Own.Concat(Shared.SelectMany(group => group.Keys)).Select(key => key.Name);
}

/// <summary>What can stand in a workload's description, for people. The readers themselves define it; a test holds this page
/// against the keys that they ask for.</summary>
public static class WorkloadGuide
{
    private static readonly SpecKeys s_lengths = new("lengths", [
        new("prompt", "tokens of the prompt: a law or a table"),
        new("output", "tokens of the answer: a law or a table"),
        new("lengths", "a table for both, drawn as pairs; instead of prompt and output"),
    ]);

    private static readonly SpecKeys s_amount = new("amount", [
        new("n", "requests"),
        new("duration", "time of arrivals, instead of n"),
    ]);

    private static readonly SpecKeys s_bounds = new("bounds", [
        new("max-total", "tokens of prompt and answer together; what is longer is cut [no limit]"),
        new("cap", "tokens the caller allows as an answer [the answer's true length]"),
    ]);

    private static readonly SpecKeys s_media = new("media", [
        new("images", "share of requests with an image, 0 to 1 [0]"),
        new("image-tokens", "prompt tokens of an image [576]"),
        new("image-prep", "time on the host to prepare an image [20ms]"),
        new("video", "share of requests with a video, 0 to 1 [0]"),
        new("video-tokens", "prompt tokens of a video [6272]"),
        new("video-prep", "time on the host to prepare a video [500ms]"),
    ]);

    private static readonly SpecKeys s_tools = new("tools called in the middle of an answer", [
        new("tools", "all, or of math, qa, environment, chat, image, speech, joined by + [none]"),
        new("tool-share", "share of the answers that call one, 0 to 1 [1]"),
        new("tool-calls", "calls of such an answer [as the tool's users do, 3 to 28 on average]"),
        new("tool-tokens", "tokens of a tool's result [32]"),
    ]);

    private static readonly SpecKeys s_names = new("names", [
        new("model", "name that all requests carry [default]"),
        new("tenant", "likewise [default]"),
        new("class", "likewise; an --slo mix may decide by it [default]"),
    ]);

    private static readonly SpecKey s_rate = new("rate", "mean requests per second");

    private static readonly SpecKeys[] s_generated = [s_lengths, s_amount, s_bounds, s_media, s_tools, s_names];

    /// <summary>In the order of <see cref="WorkloadSource.Kinds"/>.</summary>
    public static IReadOnlyList<SpecKind> Kinds { get; } =
    [
        new("sample", "the bundled sample: conversations in waves and bursts; takes no other keys", "sample:n=500",
            [new("n", "requests [2000]")], []),
        new("poisson", "independent arrivals", "poisson:rate=2,n=2000,prompt=512,output=128", [s_rate], s_generated),
        new("constant", "arrivals like a metronome", "constant:rate=2,n=500,lengths=azure-code", [s_rate], s_generated),
        new("gamma", "bursty arrivals", "gamma:rate=2,cv=4,n=500,lengths=sharegpt",
            [s_rate, new("cv", "coefficient of variation of the gaps: 0 constant, 1 Poisson, more is burstier")], s_generated),
        new("onoff", "Poisson for a while, then silence", "onoff:rate=8,on=30s,off=60s,n=500,lengths=azure-conv",
            [new("rate", "requests per second while on"), new("on", "length of the busy spells, a time"),
                new("off", "length of the silences, a time")], s_generated),
        new("diurnal", "Poisson whose rate goes up and down in a sine", "diurnal:rate=4,period=10m,duration=20m,prompt=512,output=128",
            [s_rate, new("amplitude", "share of the rate, 0 to 1 [0.5]"), new("period", "time [24h]")], s_generated),
        new("programs", "agent loops and trees: stages of requests with tool calls between them",
            "programs:rate=1,n=50,stages=3,tool=exp(2s),prompt=800,output=100",
            [
                new("rate", "programs per second"), new("cv", "as for gamma [1]"), new("n", "programs"),
                new("stages", "requests one after the other"), new("fanout", "requests that follow each answer [1]"),
                new("tool", "time between an answer and what follows, a law of times [0s]"),
                new("growth", "tokens that a tool adds to the prompt, a law [0]"),
                new("system", "tokens that open every prompt [0]"),
                new("max-total", "tokens of prompt and answer; a branch ends before it passes them [no limit]"),
                new("block", "tokens per prompt hash; equal to --block-tokens [16]"),
                new("prefixes", "true or false: whether prompts carry hashes for prefix caches [true]"),
            ], [s_lengths, s_names]),
        new("servegen", "ServeGen's clients, from its unpacked client data", "servegen:dir=FOLDER,duration=10m,start=12h",
            [
                new("dir", "folder with chunk-N-trace.csv and chunk-N-dataset.json"), new("duration", "time of arrivals"),
                new("start", "where in the recording to begin, a time [0s]"), new("scale", "factor on every client's rate [1]"),
            ], [s_bounds]),
    ];

    /// <summary>How a quantity is written.</summary>
    public static string Laws => Law.Examples;

    /// <summary>Length tables by name, each with what it was fitted to.</summary>
    public static IReadOnlyList<(string Name, string Origin)> Tables { get; } =
        [.. LengthTables.Names.Select(name => (name, LengthTables.Find(name)!.Origin))];
}
