using System.Text;
using System.Text.Json;

namespace Sluice.Cli.Tests;

/// <summary>The small experiments, run twice for all tests of the class.</summary>
public sealed class SmallPagedAttention
{
    internal PagedAttentionResults Results { get; } = new(new ReproductionContext(isSmall: true));
    public ReproductionResult Again { get; } = new PagedAttentionReproduction().Run(new ReproductionContext(isSmall: true));
}

public sealed class PagedAttentionReproductionTests(SmallPagedAttention small) : IClassFixture<SmallPagedAttention>
{
    private PagedAttentionResults Results => small.Results;
    private IReadOnlyList<ReproductionRow> Rows => PagedAttentionRows.Make(Results);

    [Fact]
    public void Two_runs_give_the_same_rows()
    {
        Assert.Equal(Rows, small.Again.Rows);
    }

    [Fact]
    public void Every_row_of_the_paper_is_there_once()
    {
        Assert.Equal(23, Rows.Count);
        Assert.Equal(Rows.Select(r => r.Claim).Distinct(), Rows.Select(r => r.Claim));
    }

    [Fact]
    public void A_row_that_disagrees_says_why()
    {
        Assert.All(Rows.Where(r => !r.Agrees), row => Assert.InRange(row.Note.Length, 20, 1000));
    }

    [Fact]
    public void Paging_sustains_at_least_2_5_times_the_rate_of_maximal_and_1_5_times_that_of_exact_reservation()
    {
        Assert.InRange(Results.Gain(Results.Traffic.ShareGpt, Opt13b.OrcaMax), 2.5, 8);
        Assert.InRange(Results.Gain(Results.Traffic.ShareGpt, Opt13b.OrcaOracle), 1.5, 2.7);
    }

    [Fact]
    public void What_a_system_knows_of_the_answer_orders_the_rates()
    {
        double[] rates = [.. Opt13b.Servers.Select(s => Results.Rate(Results.Traffic.ShareGpt, s).Rate)];

        Assert.Equal(rates.OrderDescending(), rates);
        Assert.Equal(rates.Distinct(), rates);
    }

    [Fact]
    public void The_gain_of_paging_is_gone_on_Alpaca_with_ample_memory()
    {
        Assert.InRange(Results.PagingGain(Results.Traffic.Alpaca, Opt13b.AmpleKvTokens), 0.95, 1.1);
        Assert.InRange(Results.PagingGain(Results.Traffic.Alpaca), 1.2, double.MaxValue);
    }

    [Fact]
    public void Over_95_percent_of_the_slots_in_use_hold_tokens_when_memory_is_full()
    {
        var full = Results.Saturated(Results.Traffic.ShareGpt, Opt13b.Vllm);

        Assert.InRange(full.KvLive / full.KvTaken, 0.95, 1);
        Assert.InRange(full.KvTaken, 0.95, 1);
    }

    [Fact]
    public void Maximal_reservation_fits_seven_requests_into_15_700_slots()
    {
        Assert.Equal(7, Results.Saturated(Results.Traffic.ShareGpt, Opt13b.OrcaMax).Running, tolerance: 0.05);
    }

    [Fact]
    public void Json_has_the_system_and_six_fields_per_row()
    {
        using var stream = new MemoryStream();
        RowJson.Write("pagedattention", Rows, stream);
        using var json = JsonDocument.Parse(stream.ToArray());

        Assert.Equal(["system", "rows"], json.RootElement.EnumerateObject().Select(p => p.Name));
        Assert.Equal("pagedattention", json.RootElement.GetProperty("system").GetString());
        foreach (var row in json.RootElement.GetProperty("rows").EnumerateArray())
        {
            Assert.Equal(["claim", "paper", "source", "ours", "agrees", "note"], row.EnumerateObject().Select(p => p.Name));
            Assert.Equal(JsonValueKind.String, row.GetProperty("paper").ValueKind);
            Assert.Equal(JsonValueKind.String, row.GetProperty("ours").ValueKind);
            Assert.True(row.GetProperty("agrees").ValueKind is JsonValueKind.True or JsonValueKind.False);
        }
    }

    [Fact]
    public void The_page_shows_every_claim_and_every_constant()
    {
        using var stream = new MemoryStream();
        ReproductionPage.Make(new PagedAttentionReproduction(), small.Again, isSmall: true).Write(stream);
        var html = System.Net.WebUtility.HtmlDecode(Encoding.UTF8.GetString(stream.ToArray()));

        Assert.All(Rows, row => Assert.Contains(row.Claim, html, StringComparison.Ordinal));
        Assert.Contains("15700 tokens", html, StringComparison.Ordinal);
        Assert.Contains("22.1 + 0.1405 N", html, StringComparison.Ordinal);
    }
}
