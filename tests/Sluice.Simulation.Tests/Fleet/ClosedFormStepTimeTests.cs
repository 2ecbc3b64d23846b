using Sluice.Core;

namespace Sluice.Simulation.Tests;

public sealed class ClosedFormStepTimeTests
{
    private static readonly StepCoefficients s_all = new()
    {
        A = 5, B = 0.04, C = 0.02, D = 0.0001, E = 0.000002, G = 0.001, N0 = 100, M = 0.00003, H = 0.7, X = 9, TopK = 2, Experts = 8,
    };

    [Theory]
    [InlineData(0, 1, 100, 0, 0, 0, 0)]
    [InlineData(0, 50, 5000, 0, 0, 0, 0)]
    [InlineData(300, 0, 0, 90_000, 0, 0, 0)]
    [InlineData(300, 50, 5000, 90_000, 0, 0, 0)]
    [InlineData(90, 10, 700, 8_100, 64, 0, 0)]
    [InlineData(91, 10, 700, 8_281, 64, 32, 128)]
    public void Is_the_formula_of_the_profile_term_by_term(
        int prefill, int decodes, long context, long pairsTwice, int encoderTokens, int videoTokens, long swapped)
    {
        var profile = A.Profile(s_all) with { VideoMillisecondsPerToken = 0.5 };
        var time = new ClosedFormStepTime(profile).StepTime(new BatchShape
        {
            PrefillTokens = prefill, DecodeSequences = decodes, ContextTokens = context, AttentionPairsTwice = pairsTwice,
            EncoderTokens = encoderTokens, VideoTokens = videoTokens, SwappedTokens = swapped,
        });

        var k = s_all;
        var tokens = prefill + decodes;
        var expected = k.A + k.B * prefill + k.C * decodes + k.D * context + k.E * pairsTwice / 2 + k.G * Math.Max(0, tokens - k.N0)
            + (prefill > 0 ? k.M * context + (decodes > 0 ? k.H : 0) : 0)
            + k.X * (1 - Math.Pow(1 - k.TopK / (double)k.Experts, tokens))
            + profile.EncoderMillisecondsPerToken * encoderTokens + 0.5 * videoTokens
            + swapped * profile.KvBytesPerToken / profile.HostGigabytesPerSecond / 1e6;

        Assert.Equal(expected, time / 1e12, 1e-5 * expected);
    }

    [Fact]
    public void Decode_steps_rise_by_exactly_the_context_they_add()
    {
        var model = new ClosedFormStepTime(A.Profile(s_all));
        var first = model.StepTime(new BatchShape { DecodeSequences = 7, ContextTokens = 1234 });
        var sum = 0L;
        for (var step = 0; step < 1000; step++)
            sum += model.StepTime(new BatchShape { DecodeSequences = 7, ContextTokens = 1234 + 7L * step });

        Assert.Equal(1000 * first + 7 * model.PerContextToken * (1000L * 999 / 2), sum);
    }

    [Fact]
    public void Takes_at_least_a_femtosecond()
    {
        Assert.Equal(1, new ClosedFormStepTime(A.Profile(new StepCoefficients())).StepTime(new BatchShape { DecodeSequences = 1 }));
    }
}
