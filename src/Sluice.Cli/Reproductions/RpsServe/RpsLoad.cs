using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

internal enum RpsKind { Text, LongText, Image, Video }

/// <summary>The artifact's mixes: Poisson arrivals of ShareGPT text, long ShareGPT text, questions on an image, descriptions of a
/// video.</summary>
/// <remarks>Mean lengths follow from token counts and times that the artifact publishes of its single requests: prompts of 300
/// and 1,285 tokens of text, answers of 275, 330, 115 and 620. Their spread is ours [I].</remarks>
internal static class RpsLoad
{
    public const double FramesMean = 18;

    /// <summary>Shares of text, long text, images, videos.</summary>
    public static IReadOnlyList<(string Name, double[] Shares)> Mixes { get; } =
    [
        ("I", [0.60, 0.25, 0.10, 0.05]), ("II", [0.50, 0.25, 0.15, 0.10]), ("III", [0.40, 0.30, 0.20, 0.10]),
        ("IV", [0.35, 0.25, 0.25, 0.15]), ("V", [0.30, 0.20, 0.30, 0.20]),
    ];

    public static double[] MixIII => Mixes[2].Shares;

    /// <summary>Requests of 100 s, as in the artifact. Equal seeds give the same requests at every rate. The kind is the request's
    /// class; what it is promised is a first token in the time that it takes alone, which only EDF looks at.</summary>
    public static Workload Make(RpsModel model, double[] shares, double rate, ulong seed)
    {
        var rng = new Rng(seed).Fork("rps-serve");
        var count = (int)(rate * 100);
        var requests = new Request[count];
        var outputs = new int[count];
        var at = 0.0;
        for (var i = 0; i < count; i++)
        {
            at -= Math.Log(1 - rng.NextDouble()) / rate;
            var (u, kind) = (rng.NextDouble(), RpsKind.Text);
            for (; kind < RpsKind.Video && u >= shares[(int)kind]; kind++) u -= shares[(int)kind];
            var media = MediaOf(model, kind, ref rng);
            var request = new Request
            {
                Id = new(i),
                Class = new((int)kind),
                Arrival = new((long)(at * TimeSpan.TicksPerSecond)),
                PromptTokens = TextTokens(kind, ref rng) + (media?.EncoderTokens ?? 0),
                MaxOutputTokens = 2048,
                Media = media,
            };
            requests[i] = request with { Slo = Slo.BestEffort with { Ttft = TimeSpan.FromSeconds(model.Estimate.Of(request)) } };
            outputs[i] = kind switch
            {
                RpsKind.Text => Around(275, 0.7, ref rng),
                RpsKind.LongText => Around(330, 0.6, ref rng),
                RpsKind.Image => Around(115, 0.25, ref rng),
                _ => Around(620, 0.6, ref rng),
            };
        }

        return new()
        {
            Name = "RPS-Serve mix",
            Origin = "made after the artifact of RPS-Serve",
            Requests = requests,
            OutputTokens = outputs,
            Classes = ["text", "long text", "image", "video"],
        };
    }

    private static MediaWork? MediaOf(RpsModel model, RpsKind kind, ref Rng rng) => kind switch
    {
        RpsKind.Image => new(MediaKind.Image, 1, (int)(model.Estimate.ImageTokens * (0.9 + 0.2 * rng.NextDouble())), TimeSpan.Zero),
        RpsKind.Video => new(MediaKind.Video, 1, (4 + rng.Next(29)) * model.Estimate.FrameTokens, TimeSpan.Zero),
        _ => null,
    };

    private static int TextTokens(RpsKind kind, ref Rng rng) => kind switch
    {
        RpsKind.Text => Around(300, 1.2, ref rng),
        RpsKind.LongText => Around(1285, 0.35, ref rng),
        RpsKind.Image => 25,
        _ => 100,
    };

    /// <summary>Log-normal of a mean, at most 2,048.</summary>
    private static int Around(double mean, double sigma, ref Rng rng) =>
        (int)Math.Clamp(mean * Math.Exp(sigma * rng.NextNormal() - sigma * sigma / 2), 1, 2048);
}
