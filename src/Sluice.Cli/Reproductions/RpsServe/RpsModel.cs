using Sluice.Policies;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>A multimodal model on H100s as the artifact ran it, and the requests it got.</summary>
/// <remarks>Nothing here was fitted to a result. A prompt's token costs the slope of the artifact's estimator, and a media token
/// the difference of the slopes besides; a step without prefill takes what an answer's token took when the artifact ran requests
/// singly. What a decode adds to it is that of a text model of the size in our own profiles.</remarks>
/// <param name="Estimator">Its constants, by the name in <see cref="PrefillEstimate.Models"/>.</param>
/// <param name="Rate">Of its main comparison [requests/s].</param>
/// <param name="StepMilliseconds">A step that decodes one sequence.</param>
/// <param name="PerDecode">ms that a decode adds to a step.</param>
/// <param name="PerContextToken">ms that a context token adds to a step.</param>
internal sealed record RpsModel(
    string Name, string Estimator, double Rate, double StepMilliseconds, double PerDecode, double PerContextToken, int KvTokens)
{
    public static IReadOnlyList<RpsModel> All { get; } =
    [
        new("LLaVA-OneVision-7B, 1 GPU", "llava-onevision-7b", 10, 5.6, 0.0092, 1.9e-5, 1_300_000),
        new("LLaVA-OneVision-72B", "llava-onevision-72b", 2.5, 18.6, 0.032, 2.9e-5, 660_000),
        new("InternVL3.5-38B", "internvl3.5-38b", 5, 10, 0.0113, 2.3e-5, 1_000_000),
        new("gemma-4-31B", "gemma-4-31b", 6, 10.6, 0.0113, 2.3e-5, 600_000),
        new("Qwen3.5-27B", "qwen3.5-27b", 6, 10.8, 0.0113, 2.3e-5, 600_000),
    ];

    /// <summary>Of a step; vLLM's default on this device.</summary>
    public int TokenBudget { get; init; } = 8192;

    public PrefillEstimate Estimate => PrefillEstimate.Models.First(m => m.Name == Estimator).Estimate;

    /// <summary>A video's intercept is spread over the tokens of a video of 18 frames, so that it costs what the estimator says.</summary>
    public EngineProfile Profile
    {
        get
        {
            var (text, image, video) = (Estimate.Text, Estimate.Image, Estimate.Video);
            var videoTokens = RpsLoad.FramesMean * Estimate.FrameTokens;
            var videoMicroseconds = video.Microseconds - text.Microseconds
                + Math.Min(0, video.Milliseconds - text.Milliseconds) * 1000 / videoTokens;
            return new()
            {
                Name = $"{Name}, estimator of the artifact",
                Model = Estimator,
                Device = "h100",
                Coefficients = new() { A = StepMilliseconds, B = text.Microseconds / 1000, C = PerDecode, D = PerContextToken },
                EncoderMillisecondsPerToken = Math.Max(0, image.Microseconds - text.Microseconds) / 1000,
                VideoMillisecondsPerToken = Math.Max(0, videoMicroseconds) / 1000,
                KvBytesPerToken = 200_000,
                KvTokens = KvTokens,
                WeightGigabytes = 16,
                FirstTokenExtraIterations = 0,
                ApiOverheadMilliseconds = 0,
                Origin = "slopes of RPS-Serve's estimator (artifact of arXiv 2603.26498), step times of its single requests",
            };
        }
    }

    public SimulationOptions Options => new() { Engines = [Profile], Limits = new(TokenBudget, SequencesMax: 1024) };

    public Contender Rps(string name = "RPS-Serve", params string[] settings) =>
        new(name, "rps-serve", [$"estimator={Estimator}", .. settings]);
}
