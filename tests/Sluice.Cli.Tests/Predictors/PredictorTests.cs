using Sluice.Core;
using Sluice.Policies;
using Sluice.Simulation;

namespace Sluice.Cli.Tests;

public sealed class PredictorTests
{
    private const string Mix =
        "poisson:rate=1,n=600,prompt=300,output=lognormal(30,0.4),class=short|poisson:rate=1,n=600,prompt=300,output=lognormal(400,0.4),class=long";

    [Fact]
    public void What_was_written_predicts_the_same_when_read()
    {
        var load = WorkloadSource.FromSpec(Mix, new Rng(1)).Capped(4096);
        var model = TrainedLength.Train(load.Requests, load.OutputTokens);
        var path = Path.GetTempFileName();
        PredictorFile.Write(model, path);
        var (first, read) = (File.ReadAllBytes(path), PredictorFile.Read(path));
        PredictorFile.Write(TrainedLength.Train(load.Requests, load.OutputTokens), path);
        var again = File.ReadAllBytes(path);
        File.Delete(path);

        Assert.Equal(first, again); // Training is deterministic.
        foreach (var request in load.Requests.Take(200))
        {
            Assert.Equal(model.Predict(request), read.Predict(request));
            Assert.Equal(model.Ranker.Score(request), read.Ranker.Score(request));
        }
    }

    [Fact]
    public void Trained_on_one_half_it_orders_and_bounds_the_other()
    {
        var load = WorkloadSource.FromSpec(Mix, new Rng(2)).Capped(4096);
        var half = load.Requests.Length / 2;
        var model = TrainedLength.Train([.. load.Requests.Take(half)], [.. load.OutputTokens.Take(half)]);
        var score = PredictorScore.Of(model, load with { Requests = load.Requests[half..], OutputTokens = load.OutputTokens[half..] });

        Assert.InRange(score.Tau, 0.5, 1);
        Assert.InRange(score.Covered, 0.9, 0.98);
        Assert.InRange(score.MeanError, 1, 130);
    }

    [Theory]
    [InlineData("", "no predictor as 'sluice predictor train' writes it")]
    [InlineData("{}", "has no \"format\"")]
    [InlineData("[1]", "has no \"format\"")]
    [InlineData("{\"format\":\"sluice-length-predictor\",\"version\":9}", "version 9, expected 1")]
    [InlineData("{\"format\":\"sluice-length-predictor\",\"version\":1,\"ranker\":[1]}", "1 ranker weights, expected")]
    public void A_file_that_is_none_says_what_is_wrong(string text, string expected)
    {
        var path = Path.GetTempFileName();
        File.WriteAllText(path, text);
        var error = Assert.Throws<InputException>(() => PredictorFile.Read(path));
        File.Delete(path);

        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_file_it_says_so() =>
        Assert.Contains("no such file", Assert.Throws<InputException>(() => PredictorFile.Read("/nowhere/at/all")).Message, StringComparison.Ordinal);
}
