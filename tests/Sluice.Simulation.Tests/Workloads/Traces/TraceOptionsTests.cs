namespace Sluice.Simulation.Tests;

public sealed class TraceOptionsTests
{
    private const string TenSeconds = """
        arrived_at,num_prefill_tokens,num_decode_tokens
        100,1,10
        101,2,20
        102,3,30
        103,4,40
        104,5,50
        """;

    private static Workload Read(TraceOptions options) => TempTrace.Read(TenSeconds, options: options);

    [Fact]
    public void Scale_multiplies_the_rate()
    {
        var load = Read(new() { RateScale = 2 });
        Assert.Equal([0, 0.5, 1, 1.5, 2], load.Requests.Select(r => r.Arrival.Seconds));
        Assert.EndsWith("; rate x 2", load.Origin, StringComparison.Ordinal);
    }

    [Fact]
    public void A_slice_is_in_seconds_after_the_first_arrival_and_starts_at_zero_again()
    {
        var load = Read(new() { FromSeconds = 1, ToSeconds = 4 });
        Assert.Equal([2, 3, 4], load.Requests.Select(r => r.PromptTokens));
        Assert.Equal([0d, 1, 2], load.Requests.Select(r => r.Arrival.Seconds));
        Assert.Contains("3 requests of 5", load.Origin, StringComparison.Ordinal);
    }

    [Fact]
    public void Skip_and_take_count_within_the_slice()
    {
        Assert.Equal([3, 4], Read(new() { FromSeconds = 1, Skip = 1, Take = 2 }).Requests.Select(r => r.PromptTokens));
    }

    [Fact]
    public void A_fixed_cap_is_what_the_caller_says_and_cuts_longer_answers()
    {
        var load = Read(new() { MaxOutputTokens = 25 });
        Assert.Equal([25, 25, 25, 25, 25], load.Requests.Select(r => r.MaxOutputTokens));
        Assert.Equal([10, 20, 25, 25, 25], load.OutputTokens);
    }

    [Fact]
    public void Prefixes_and_models_can_be_left_out()
    {
        var load = TempTrace.Read(TinyTraces.Csv, options: new() { WithPrefixes = false, WithModels = false });
        Assert.Equal(0, load.PrefixBlockTokens);
        Assert.True(load.Requests[0].PromptBlocks.IsEmpty);
        Assert.Equal(["default"], load.Models);
        Assert.All(load.Requests, request => Assert.Equal(0, request.Model.Index));
    }

    [Fact]
    public void Arrivals_replace_recorded_times_and_are_equal_for_equal_seeds()
    {
        var options = new TraceOptions { Arrivals = "poisson:rate=5", Rng = new(3) };
        var times = Read(options).Requests.Select(r => r.Arrival).ToArray();
        Assert.Equal(times, Read(options).Requests.Select(r => r.Arrival));
        Assert.NotEqual(times, Read(options with { Rng = new(4) }).Requests.Select(r => r.Arrival));
    }

    [Fact]
    public void Options_out_of_range_are_refused_by_name()
    {
        Assert.StartsWith("scale: found 0,", Complaint(new() { RateScale = 0 }), StringComparison.Ordinal);
        Assert.StartsWith("scale: found NaN,", Complaint(new() { RateScale = double.NaN }), StringComparison.Ordinal);
        Assert.StartsWith("to: found 1,", Complaint(new() { FromSeconds = 2, ToSeconds = 1 }), StringComparison.Ordinal);
        Assert.StartsWith("skip: found -1,", Complaint(new() { Skip = -1 }), StringComparison.Ordinal);
        Assert.StartsWith("take: found 0,", Complaint(new() { Take = 0 }), StringComparison.Ordinal);
        Assert.Contains("leave none of 5", Complaint(new() { Skip = 9 }), StringComparison.Ordinal);
        Assert.Contains("leave none of 5", Complaint(new() { FromSeconds = 9 }), StringComparison.Ordinal);
        Assert.Contains("'poison'", Complaint(new() { Arrivals = "poison:rate=1" }), StringComparison.Ordinal);

        static string Complaint(TraceOptions options) => TempTrace.Complaint(TenSeconds, options: options);
    }
}
