using Sluice.Core;

namespace Sluice.Policies;

/// <summary>How long a batch of N requests of length L takes for a slice of S tokens.</summary>
/// <remarks>
/// Source: SCLS (arXiv 2406.13511). Prefill p1·N·L + p2·N + p3·L + p4, a decode step at length l d1·N·l + d2·N + d3·l + d4,
/// each fitted to an engine by least squares on a grid of (N, L); the slice is their sum in closed form. An upper estimate,
/// as a batch ends early when everybody in it has.
/// </remarks>
public sealed class SliceTime
{
    private static readonly int[] s_sizes = [1, 2, 4, 8, 16, 32, 64, 128];
    private static readonly int[] s_lengths = [16, 64, 256, 512, 1024, 2048];

    private readonly double[] _prefill;
    private readonly double[] _decode;

    /// <param name="prefill">p1 to p4 [s].</param>
    /// <param name="decode">d1 to d4 [s].</param>
    public SliceTime(double[] prefill, double[] decode) => (_prefill, _decode) = (prefill, decode);

    /// <summary>For an engine that nothing is known of: only the lengths count.</summary>
    public static SliceTime Unknown { get; } = new([1e-4, 0, 0, 0], [0, 0, 0, 1e-2]);

    /// <summary>Fits both forms to what a step takes on an engine.</summary>
    public static SliceTime Fit(IStepTimeModel model)
    {
        var prefill = new BilinearFit();
        var decode = new BilinearFit();
        foreach (var n in s_sizes)
        {
            foreach (var l in s_lengths)
            {
                prefill.Add(n, l, Seconds(model, new() { PrefillTokens = n * l, AttentionPairsTwice = (long)n * l * l }));
                decode.Add(n, l, Seconds(model, new() { DecodeSequences = n, ContextTokens = (long)n * l }));
            }
        }

        return new(prefill.Solve(), decode.Solve());
    }

    public double Prefill(int n, int length) => Bilinear(_prefill, n, length);

    public double Decode(int n, int length) => Bilinear(_decode, n, length);

    /// <summary>Seconds of a slice: the prefill gives the first of its tokens.</summary>
    public double Of(int n, int length, int sliceTokens)
    {
        double steps = sliceTokens - 1;
        return Prefill(n, length) + steps * (_decode[1] * n + _decode[3])
            + (_decode[0] * n + _decode[2]) * (steps * length + steps * (steps + 1) / 2);
    }

    private static double Bilinear(double[] c, double n, double l) => c[0] * n * l + c[1] * n + c[2] * l + c[3];

    private static double Seconds(IStepTimeModel model, in BatchShape shape) => model.StepTime(in shape) / 1e15;
}
