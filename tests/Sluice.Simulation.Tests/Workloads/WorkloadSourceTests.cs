using Sluice.Core;

namespace Sluice.Simulation.Tests;

public sealed class WorkloadSourceTests
{
    private static Workload Make(string spec, ulong seed = 1)
    {
        var load = WorkloadSource.FromSpec(spec, new Rng(seed));
        if (load.FollowUps is null) WorkloadRules.Hold(load);
        return load;
    }

    private static string Complaint(string spec) =>
        Assert.Throws<InputException>(() => WorkloadSource.FromSpec(spec, new Rng(1))).Message;

    [Fact]
    public void A_description_makes_the_requests_it_says()
    {
        var load = Make("poisson:rate=2,n=2000,prompt=512,output=uniform(100,156)");

        Assert.Equal(2000, load.Requests.Length);
        Assert.Equal(1000, load.Requests[^1].Arrival.Seconds, 80.0);
        Assert.All(load.Requests, r => Assert.Equal(512, r.PromptTokens));
        Assert.Equal(128, load.OutputTokens.Average(), 2.0);
        Assert.Equal("poisson 2/s 512/uniform(100,156)", load.Name);
    }

    [Fact]
    public void A_duration_ends_the_arrivals()
    {
        var load = Make("constant:rate=10,duration=2m,lengths=azure-code");
        Assert.Equal(1199, load.Requests.Length); // The first arrives after one gap, and 120 s is excluded.
    }

    [Fact]
    public void Equal_seeds_give_equal_workloads_and_others_differ()
    {
        string[] specs = ["gamma:rate=3,cv=2,n=300,lengths=sharegpt,images=0.3", "diurnal:rate=3,n=300,lengths=alpaca"];
        foreach (var spec in specs)
        {
            var (a, b, c) = (Make(spec, 5), Make(spec, 5), Make(spec, 6));
            Assert.Equal(a.Requests, b.Requests);
            Assert.Equal(a.OutputTokens, b.OutputTokens);
            Assert.NotEqual(a.OutputTokens, c.OutputTokens);
        }
    }

    [Fact]
    public void Changing_lengths_leaves_arrivals_alone()
    {
        var (a, b) = (Make("poisson:rate=3,n=50,prompt=1,output=1"), Make("poisson:rate=3,n=50,lengths=sharegpt,images=0.5"));
        Assert.Equal(a.Requests.Select(r => r.Arrival), b.Requests.Select(r => r.Arrival));
    }

    [Fact]
    public void Media_come_by_share_on_top_of_the_text()
    {
        var load = Make("poisson:rate=3,n=10000,prompt=100,output=10,images=0.2,video=0.1,image-tokens=300,image-prep=5ms");

        var image = new MediaWork(MediaKind.Image, 1, 300, TimeSpan.FromMilliseconds(5));
        Assert.Equal(2000, load.Requests.Count(r => r.Media == image), 150.0);
        Assert.Equal(1000, load.Requests.Count(r => r.Media is { Kind: MediaKind.Video, EncoderTokens: 6272 }), 120.0);
        Assert.All(load.Requests, r => Assert.Equal(100 + (r.Media?.EncoderTokens ?? 0), r.PromptTokens));
    }

    [Fact]
    public void Totals_and_caps_hold()
    {
        var load = Make("poisson:rate=3,n=5000,lengths=azure-conv,max-total=2048,cap=300,video=0.2");
        for (var i = 0; i < load.Requests.Length; i++)
        {
            Assert.True(load.Requests[i].Media is not null || load.Requests[i].PromptTokens + load.OutputTokens[i] <= 2048);
            Assert.Equal(300, load.Requests[i].MaxOutputTokens);
        }
    }

    [Fact]
    public void The_sample_is_the_same_on_every_call()
    {
        var (a, b) = (Make("sample"), Make("sample", seed: 99));

        Assert.Equal(2000, a.Requests.Length);
        Assert.Equal(a.Requests, b.Requests);
        Assert.Equal(a.OutputTokens, b.OutputTokens);
        Assert.Equal(5.53, a.Requests.Length / a.Requests[^1].Arrival.Seconds, 1.0);
        Assert.Equal(1155, a.Requests.Average(r => r.PromptTokens), 80.0);
        Assert.Equal(211, a.OutputTokens.Average(), 15.0);
    }

    [Theory]
    [InlineData("poison:rate=2,n=1,prompt=1,output=1", "'poison' is no kind of workload: did you mean 'poisson'? known: sample, poisson, ")]
    [InlineData("poisson:rate=2,n=1,promt=1,output=1", "has no 'prompt', expected prompt=…")]
    [InlineData("poisson:rate=2,n=1,prompt=1,output=1,max-totl=9", "has the key 'max-totl': did you mean 'max-total'? known: rate, ")]
    [InlineData("poisson:rate=0,n=1,prompt=1,output=1", "has rate=0, expected a number from 1E-06 to 1000000")]
    [InlineData("poisson:rate=fast,n=1,prompt=1,output=1", "has rate=fast, expected a number")]
    [InlineData("poisson:rate=2,n=0,prompt=1,output=1", "has n=0, expected a whole number from 1")]
    [InlineData("poisson:rate=2,prompt=1,output=1", "has no 'n', expected n=…")]
    [InlineData("poisson:rate=2,n=4,duration=1s,prompt=1,output=1", "has n= and duration=, expected one of them")]
    [InlineData("poisson:rate=2,rate=3", "gives 'rate' twice")]
    [InlineData("poisson:rate", "has 'rate', expected key=value")]
    [InlineData("poisson:rate=2,n=1,prompt=huge,output=1", "has prompt=huge, expected 512, uniform(a,b),")]
    [InlineData("poisson:rate=2,n=1,lengths=sharegtp", "has lengths=sharegtp, expected a table; did you mean 'sharegpt'?")]
    [InlineData("poisson:rate=2,n=1,lengths=sharegpt,prompt=1", "has lengths= beside prompt= or output=")]
    [InlineData("poisson:rate=2,n=1,prompt=1,output=1,images=0.7,video=0.7", "has images and video shares of over 1 together")]
    [InlineData("onoff:rate=2,on=0s,off=1s,n=1,prompt=1,output=1", "has on=0, expected more than 0")]
    [InlineData("constant:rate=2,duration=5ms,prompt=1,output=1", "makes no request")]
    [InlineData("programs:rate=1,n=1,stages=2,prompt=1,output=1,tool=soon", "has tool=soon, expected a duration such as 2s")]
    [InlineData("servegen:duration=1s", "has no 'dir', expected dir=…")]
    public void A_wrong_description_is_quoted_with_what_would_be_right(string spec, string complaint)
    {
        var message = Complaint(spec);
        Assert.StartsWith($"'{(complaint.Contains("no kind", StringComparison.Ordinal) ? spec.Split(':')[0] : spec)}' ", message, StringComparison.Ordinal);
        Assert.Contains(complaint, message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_trace_is_read_through_the_same_door()
    {
        using var file = new TempTrace(TinyTraces.Azure);
        Assert.Equal(2, WorkloadSource.FromTrace(file.FilePath, TraceFormat.Auto, new()).Requests.Length);
    }

    [Fact]
    public void Random_damage_to_a_description_never_throws_anything_but_an_input_exception()
    {
        string[] valid =
        [
            "poisson:rate=2,n=3,prompt=uniform(1,5),output=lognormal(mean=4,cv=1),images=0.2",
            "gamma:rate=2,cv=3,duration=2s,lengths=alpaca",
            "programs:rate=2,n=3,stages=3,tool=exp(2s),prompt=4,output=powerlaw(8),growth=5",
            "onoff:rate=3,on=1s,off=2s,n=3,lengths=sharegpt",
            "sample:n=3", "servegen:dir=nowhere,duration=1h",
        ];
        const string Telling = ":,=().-+e sm%\u00E9"; // No digits: a few more of them are valid and take minutes.
        var rng = new Rng(77);
        for (var round = 0; round < 5000; round++)
        {
            var text = valid[rng.Next(valid.Length)];
            for (var edits = rng.Next(3) + 1; edits > 0; edits--)
            {
                var at = rng.Next(text.Length);
                text = text[..at] + (rng.Next(3) == 0 ? "" : Telling[rng.Next(Telling.Length)]) + text[(at + rng.Next(2))..];
                if (text.Length == 0) text = ":";
            }

            try { Make(text); }
            catch (InputException) { }
            catch (Exception e) { Assert.Fail($"{text}: {e}"); }
        }
    }
}
