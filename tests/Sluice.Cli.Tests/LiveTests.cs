using Sluice.Engine;
using Sluice.Simulation;
using Sluice.Testing;

namespace Sluice.Cli.Tests;

public sealed class LiveTests : IDisposable
{
    private readonly TestModelFile _file = new(
        new RandomModel { Vocabulary = TestTokenizer.ByteLevel().Vocabulary.Count, Dim = 64, FeedForward = 64, ContextMax = 256 }
            .AddTo(new GgufWriter().AddByteLevel()));

    public void Dispose() => _file.Dispose();

    [Fact]
    public void A_fit_finds_the_coefficients_that_made_the_times()
    {
        var made = new EngineProfile
        {
            Name = "m@d", Model = "m", Device = "d", KvBytesPerToken = 1, KvTokens = 1, WeightGigabytes = 1, Origin = "a test",
            Coefficients = new() { A = 2, B = 0.05, C = 0.3, D = 0.0004, E = 0.00002, G = 0.02, N0 = 64, M = 0.0001, H = 0.2 },
        };
        var time = new ClosedFormStepTime(made);
        var shapes = StepShape.Grid(new(), 4096);

        var (k, quality) = StepFit.Of([.. shapes.Select(s => new StepSample(s, time.StepTime(s.Batch) / 1e12))]);

        Assert.Equal(64, k.N0);
        double[] expected = [2, 0.05, 0.3, 0.0004, 0.00002, 0.02, 0.0001, 0.2];
        double[] found = [k.A, k.B, k.C, k.D, k.E, k.G, k.M, k.H];
        for (var i = 0; i < expected.Length; i++) Assert.InRange(found[i] / expected[i], 0.98, 1.02);
        Assert.InRange(quality.MeanErrorPercent, 0, 0.1);
    }

    [Fact]
    public void A_profile_is_written_so_that_the_simulator_reads_it()
    {
        using var folder = new TempFolder();

        Shell.Succeed("profile", _file.Path, "--seconds", "1", "--out", folder.File("p.json"));
        var simulated = Shell.Succeed("simulate", "--profile", folder.File("p.json"), "--workload", "poisson:rate=1,n=5,prompt=20,output=5", "--json");

        Assert.Equal(5, simulated.Json.GetProperty("requests").GetInt32());
    }

    /// <summary>How near the two are is a matter of the machine's rest; here, that both ran to the end and that the exit code is
    /// the verdict.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_workload_runs_simulated_and_live(bool isJson)
    {
        string[] asked = ["validate", "--live", _file.Path, "--requests", "20"];

        var ran = Shell.Run(isJson ? [.. asked, "--json"] : asked);

        bool holds;
        if (isJson)
        {
            holds = ran.Json.GetProperty("holds").GetBoolean();
            Assert.Equal(20, ran.Json.GetProperty("requests").GetInt32());
            foreach (var name in new[] { "ttft_mean_ms", "tpot_mean_ms", "e2e_mean_ms", "slo_met" })
            {
                var metric = ran.Json.GetProperty("metrics").GetProperty(name);
                Assert.True(metric.GetProperty("simulated").GetDouble() >= 0 && metric.GetProperty("live").GetDouble() >= 0);
            }
        }
        else
        {
            holds = !ran.Out.Contains("not within what is wanted", StringComparison.Ordinal);
            foreach (var name in new[] { "TTFT mean", "TPOT mean", "E2E mean", "SLO met", "20 requests" })
                Assert.Contains(name, ran.Out, StringComparison.Ordinal);
        }

        Assert.Equal(holds ? ExitCodes.Ok : ExitCodes.Failed, ran.Code);
    }
}
