using System.Globalization;

namespace Sluice.Simulation;

/// <summary>Profiles of devices that nobody measured for us, from a profile of the same model on another device and the
/// makers' data sheets.</summary>
/// <remarks>
/// What reads weights and KV (a without the host's share, c, d, m) takes longer by the ratio of memory bandwidths; what computes
/// (b, e, g) by the ratio of dense fp16 rates; n0, where computing overtakes reading, moves by the quotient of both. The host's
/// share of a, 24.1 µs per layer and step, stays. A roofline argument: an estimate, not a fit, and it has no check.
/// </remarks>
public static class DerivedProfiles
{
    /// <summary>Data sheets: memory bandwidth [GB/s], dense fp16 [TFLOPS], memory [GB].</summary>
    private const double A100GigabytesPerSecond = 2039, A100Teraflops = 312;
    private const double A10GigabytesPerSecond = 600, A10Teraflops = 125, A10Gigabytes = 24;

    private const double HostMillisecondsPerLayer = 0.0241;

    /// <summary>A model on NVIDIA A10 (24 GB).</summary>
    /// <param name="onA100">Of the same model, one A100-80 SXM.</param>
    /// <param name="layers">Of the model.</param>
    /// <returns>Null when the weights do not fit.</returns>
    public static EngineProfile? OnA10(EngineProfile onA100, int layers)
    {
        var kvTokens = KvTokens(A10Gigabytes, onA100.WeightGigabytes, onA100.KvBytesPerToken);
        if (kvTokens == 0) return null;

        const double reading = A100GigabytesPerSecond / A10GigabytesPerSecond;
        const double computing = A100Teraflops / A10Teraflops;
        var k = onA100.Coefficients;
        var host = Math.Min(k.A, layers * HostMillisecondsPerLayer);
        return onA100 with
        {
            Name = $"{onA100.Model}@a10",
            Device = "a10",
            Coefficients = k with
            {
                A = host + (k.A - host) * reading,
                C = k.C * reading,
                D = k.D * reading,
                M = k.M * reading,
                B = k.B * computing,
                E = k.E * computing,
                G = k.G * computing,
                N0 = (int)Math.Round(k.N0 * reading / computing),
            },
            KvTokens = kvTokens,
            Fit = null,
            Points = null,
            SeenRuns = [],
            Origin = string.Create(
                CultureInfo.InvariantCulture,
                $"Derived, not measured: {onA100.Name} scaled by data sheets, "
                + $"reading by {A100GigabytesPerSecond:F0}/{A10GigabytesPerSecond:F0} "
                + $"GB/s, computing by {A100Teraflops:F0}/{A10Teraflops:F0} TFLOPS dense fp16; "
                + $"KV from {A10Gigabytes:F0} GB by the memory formula. "
                + $"No check on this device."),
        };
    }

    /// <summary>Tokens of KV that fit beside the weights on one device, in whole blocks of 16.</summary>
    /// <param name="gigabytes">Of the device, of which vLLM takes 90 %.</param>
    /// <remarks>The reserve of 1.24 GB is what vLLM 0.19 was seen to keep at 2,048 batched tokens, on an RTX 4090.</remarks>
    internal static int KvTokens(double gigabytes, double weightGigabytes, long kvBytesPerToken)
    {
        const double utilisation = 0.9, reserveGigabytes = 1.24;
        const int blockTokens = 16;
        var free = (utilisation * gigabytes - weightGigabytes - reserveGigabytes) * 1e9;
        return free <= 0 ? 0 : (int)(free / ((double)blockTokens * kvBytesPerToken)) * blockTokens;
    }
}
