using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>A conversation workload that needs no file: the same requests on every call.</summary>
/// <remarks>2,000 requests in about six minutes, by default. Lengths are drawn from our fit of the Azure 2023 conversation
/// trace, and the mean rate is its 5.53/s; bursts (gamma gaps with a coefficient of variation of 2) and a wave of two
/// minutes, between half and one and a half times that rate, are ours.</remarks>
public static class SampleTrace
{
    /// <summary>Its name on a command line.</summary>
    public const string Name = "sample";

    private const double RequestsPerSecond = 5.53;

    /// <param name="count">Requests, at least 1.</param>
    public static Workload Create(int count = 2000)
    {
        Check.That(count >= 1);

        var rng = new Rng(20231116);
        var (gaps, lengths) = (rng.Fork("arrivals"), rng.Fork("lengths"));
        var table = LengthTables.Find("azure-conv")!;
        var requests = new Request[count];
        var outputs = new int[count];
        var now = 0.0;
        for (var i = 0; i < count; i++)
        {
            var (prompt, output) = table.Draw(ref lengths);
            outputs[i] = output;
            requests[i] = new()
            {
                Id = new(i),
                Arrival = Instant.FromSeconds(now),
                PromptTokens = prompt,
                MaxOutputTokens = output,
            };
            var wave = 1 + 0.5 * Math.Sin(2 * Math.PI * now / 120);
            now += Distributions.GammaOfMeanOne(ref gaps, cv: 2) / (RequestsPerSecond * wave);
        }

        return new()
        {
            Name = Name,
            Origin = $"made by Sluice, {count} requests: lengths of Azure's 2023 conversations, arrivals in waves and bursts",
            Requests = requests,
            OutputTokens = outputs,
        };
    }
}
