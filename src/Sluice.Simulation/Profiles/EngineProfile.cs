namespace Sluice.Simulation;

/// <summary>How fast one model runs on one kind of device, and how much it holds: coefficients of the step time, KV
/// capacity, first-token delay.</summary>
/// <remarks>
/// Step time [ms] of P prefill tokens, D decoding sequences with C context tokens in all, and A (query, key) pairs of the
/// prompts: a + b·P + c·D + d·C + e·A + g·max(0, P+D−n0) + (P&gt;0 ? m·C + (D&gt;0 ? h : 0) : 0)
/// + x·(1 − (1 − topk/experts)^(P+D)). The last term is the share of experts touched, for mixtures of experts.
/// </remarks>
public sealed record EngineProfile
{
    /// <summary>As in <c>--profile</c>: <c>llama-3.1-8b@a100</c>, <c>llama-2-70b@h100:tp4</c>.</summary>
    public required string Name { get; init; }

    public required string Model { get; init; }
    public required string Device { get; init; }
    public int TensorParallel { get; init; } = 1;

    public required StepCoefficients Coefficients { get; init; }

    /// <summary>KV bytes of one token, of the whole model.</summary>
    public required long KvBytesPerToken { get; init; }

    /// <summary>KV capacity of one engine [tokens].</summary>
    public required int KvTokens { get; init; }

    public required double WeightGigabytes { get; init; }

    /// <summary>Steps between the end of the step that computes a token and its being on its way to the caller: scheduling
    /// one step ahead, detokenising, streaming. Measured on H100, vLLM 0.15.</summary>
    public double FirstTokenExtraIterations { get; init; } = 1.3;

    /// <summary>HTTP and tokenisation, per request [ms].</summary>
    public double ApiOverheadMilliseconds { get; init; } = 4;

    /// <summary>Device to host and back, for swapped KV [GB/s over all GPUs of the engine].</summary>
    public double HostGigabytesPerSecond { get; init; } = 25;

    /// <summary>Encoder time per image, video or audio token [ms].</summary>
    public double EncoderMillisecondsPerToken { get; init; } = 0.02;

    /// <summary>The same of a video where it differs; null where it does not.</summary>
    public double? VideoMillisecondsPerToken { get; init; }

    /// <summary>How well the coefficients meet what they were fitted to; null if that is not known.</summary>
    public FitQuality? Fit { get; init; }

    /// <summary>Step times of what the coefficients were fitted to; null if there are none.</summary>
    public ReferencePoints? Points { get; init; }

    /// <summary>Sets of measured runs that were looked at while the profile was made, by the
    /// <see cref="MeasuredRun.Set"/> they belong to: a comparison with them is no independent check.</summary>
    public IReadOnlyList<string> SeenRuns { get; init; } = [];

    /// <summary>Where the numbers come from, and how far they were checked.</summary>
    public required string Origin { get; init; }
}

/// <summary>Coefficients in ms, n0 in tokens; names as in the formula of <see cref="EngineProfile"/>.</summary>
public sealed record StepCoefficients
{
    public double A { get; init; }
    public double B { get; init; }
    public double C { get; init; }
    public double D { get; init; }
    public double E { get; init; }
    public double G { get; init; }
    public int N0 { get; init; }
    public double M { get; init; }
    public double H { get; init; }
    public double X { get; init; }
    public int TopK { get; init; }
    public int Experts { get; init; }
}

/// <summary>Error of a fit on iterations it was not fitted to.</summary>
/// <param name="R2">Coefficient of determination.</param>
/// <param name="MeanErrorPercent">Mean of the absolute relative errors.</param>
/// <param name="P95ErrorPercent">95th percentile of the same; null where only the mean is known.</param>
public sealed record FitQuality(double R2, double MeanErrorPercent, double? P95ErrorPercent);

/// <summary>Step times [ms] to check coefficients against.</summary>
/// <param name="Decode1">One decode at a context of 1,024 tokens.</param>
/// <param name="Decode32">32 of them.</param>
/// <param name="Decode128">128 of them.</param>
/// <param name="Prefill512">A fresh prompt of 512 tokens, nothing else.</param>
/// <param name="Prefill2048">A fresh prompt of 2,048 tokens, nothing else.</param>
/// <param name="Mixed">A fresh chunk of 512 tokens and 64 decodes at 1,024, added up: without the penalty of mixed
/// batches (m, h).</param>
public sealed record ReferencePoints(
    double Decode1, double Decode32, double Decode128, double Prefill512, double Prefill2048, double Mixed);
