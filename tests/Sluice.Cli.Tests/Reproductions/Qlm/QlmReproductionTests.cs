using Sluice.Simulation;

namespace Sluice.Cli.Tests;

/// <summary>All experiments with a tenth of the requests, once for all tests of the class: their form, not their
/// figures.</summary>
public sealed class TinyQlm
{
    internal QlmResults Results { get; } = Make();

    internal static QlmResults Make() => new(new ReproductionContext(isSmall: true), requestsPerTrace: 350);
}

public sealed class QlmReproductionTests(TinyQlm tiny) : IClassFixture<TinyQlm>
{
    private static readonly QlmTraffic s_traffic = new(QlmFleet.RequestsPerTrace, seed: 42);

    private IReadOnlyList<ReproductionRow> Rows => QlmRows.Make(tiny.Results);

    [Fact]
    public void Every_claim_is_there_once_and_one_that_disagrees_says_why()
    {
        Assert.Equal(22, Rows.Count);
        Assert.Equal(Rows.Select(r => r.Claim).Distinct(), Rows.Select(r => r.Claim));
        Assert.All(Rows.Where(r => !r.Agrees), row => Assert.InRange(row.Note.Length, 20, 1000));
    }

    [Fact]
    public void Two_runs_give_the_same_rows()
    {
        Assert.Equal(Rows, QlmRows.Make(TinyQlm.Make()));
    }

    [Fact]
    public void The_report_has_a_section_per_experiment()
    {
        Assert.Equal(
            [
                "One model, three promises (W_A)", "Many models, batch requests (W_B)", "Mega prompts (W_C)", "Waiting times, predicted and actual",
                "Without each operation", "Group size", "Scheduler time against queue length", "A10 and A100", "Set-up and assumptions",
            ],
            QlmSections.Make(tiny.Results).Select(s => s.Heading));
    }

    [Fact]
    public void W_A_keeps_more_promises_with_QLM_than_with_EDF_and_more_with_EDF_than_with_vLLM()
    {
        var fleet = QlmFleet.Small;
        var load = s_traffic.A.Cut(null, 3.5 * fleet.OneModelRate(s_traffic.PromptTokensMean, s_traffic.OutputTokensMean));

        double[] attained = [.. ((QlmSystem[])[QlmSystem.Qlm, QlmSystem.Edf, QlmSystem.Vllm]).Select(s => QlmRun.Of(s, load, fleet.OneModel).Attainment)];

        Assert.True(attained[0] > attained[1] && attained[1] > attained[2], string.Join(", ", attained));
        Assert.InRange(attained[0] - attained[2], 0.25, 0.67);
    }

    [Fact]
    public void W_B_loads_a_tenth_of_the_models_with_groups_and_serves_several_times_as_much()
    {
        var fleet = QlmFleet.Small;
        var load = s_traffic.B.Cut(700, 1.5 * fleet.AllModelsRate(s_traffic.PromptTokensMean, s_traffic.OutputTokensMean));

        var qlm = QlmRun.Of(QlmSystem.Qlm, load, fleet.AllModels);
        var edf = QlmRun.Of(QlmSystem.Edf, load, fleet.AllModels);
        var vllm = QlmRun.Of(QlmSystem.SwappingVllm, load, fleet.AllModels);

        Assert.True(10 * qlm.LoadsPerThousand <= edf.LoadsPerThousand, $"{qlm.LoadsPerThousand} and {edf.LoadsPerThousand}");
        Assert.True(10 * qlm.LoadsPerThousand <= vllm.LoadsPerThousand, $"{qlm.LoadsPerThousand} and {vllm.LoadsPerThousand}");
        Assert.True(qlm.RequestsPerSecond > 1.2 * edf.RequestsPerSecond, $"{qlm.RequestsPerSecond} and {edf.RequestsPerSecond}");
        Assert.Equal(0, qlm.Failed + edf.Failed + vllm.Failed);
    }

    [Fact]
    public void Workloads_have_the_papers_classes_models_and_lengths()
    {
        Assert.Equal(["interactive", "batch-1", "batch-2"], s_traffic.A.Classes);
        Assert.Equal(["batch-1", "batch-2"], s_traffic.B.Classes);
        Assert.Equal(8, s_traffic.B.Models.Count);
        var byModel = s_traffic.B.Requests.CountBy(r => r.Model.Index).OrderBy(m => m.Key).Select(m => m.Value).ToArray();
        Assert.InRange(byModel[0] / (double)byModel[7], 5, 12); // As 1/rank.
        var mega = s_traffic.C.Requests.Where(r => r.PromptTokens >= 3000 && r.Slo.Ttft == TimeSpan.FromHours(1)).ToArray();
        Assert.Equal(350, mega.Length);
        Assert.All(mega, r => Assert.InRange(r.PromptTokens, 3000, 4000));
    }

    [Fact]
    public void A_70B_model_runs_on_four_devices_alone_and_a_13B_model_on_no_A10()
    {
        var engines = QlmFleet.Small.AllModels.Engines;
        var sizes = QlmFleet.Models.Select(m => m.Billions).ToArray();

        Assert.Equal(sizes.Select(s => s == 7), engines[0].Profiles.Select(p => p is not null));
        Assert.Equal(sizes.Select(s => s <= 13), engines[1].Profiles.Select(p => p is not null));
        Assert.Equal(sizes.Select(s => s == 70), engines[^1].Profiles.Select(p => p is not null));
    }

    [Fact]
    public void The_paper_has_30_A10_and_50_A100()
    {
        Assert.Equal(80, QlmFleet.Paper.OneModel.Engines.Count);
        Assert.Equal(30 + 42 + 2, QlmFleet.Paper.WithQuads.AllModels.Engines.Count);
    }
}
