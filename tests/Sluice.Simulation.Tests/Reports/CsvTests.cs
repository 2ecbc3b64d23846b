using Sluice.Core;

namespace Sluice.Simulation.Tests;

public sealed class CsvTests
{
    [Fact]
    public void Requests_have_one_line_each_and_exact_times()
    {
        var run = new TinyRun { Classes = ["chat"] }
            .Finished(1000.5, 1050, 1100.0001, 1300, output: 11, engine: 1, preemptions: 3, slo: TinyRun.Slo(ttft: 90))
            .Lost(2000, Outcome.Rejected)
            .NeverArrived()
            .Make();

        Assert.Equal(
            [
                "id,class,tenant,model,arrived_at,prompt_tokens,output_tokens,started_at,first_token_at,finished_at,ttft_ms,"
                + "tpot_ms,e2e_ms,queue_ms,engine,preemptions,cached_prompt_tokens,outcome,met_slo",
                "0,chat,default,m,1.0005000,100,11,1.0500000,1.1000001,1.3000000,99.5001,20.0000,299.5000,49.5000,1,3,0,finished,0",
                "1,chat,default,m,2.0000000,100,0,,,,,,,,,0,0,rejected,0",
                "",
            ],
            RunJsonTests.Text(s => RequestsCsv.Write(run, s)).Split('\n'));
    }

    [Fact]
    public void Names_with_commas_quotes_and_line_breaks_are_quoted()
    {
        var run = new TinyRun { Classes = ["a,b"], Tenants = ["say \"hi\"\nthere"] }.Lost(0, Outcome.Failed).Make();

        Assert.Contains(
            "0,\"a,b\",\"say \"\"hi\"\"\nthere\",m,", RunJsonTests.Text(s => RequestsCsv.Write(run, s)), StringComparison.Ordinal);
    }

    [Fact]
    public void Long_files_and_long_names_pass_through_the_buffer_whole()
    {
        var name = new string('x', 100_000);
        var run = new TinyRun { Classes = [name] };
        for (var i = 0; i < 3000; i++) run.Finished(i, i + 1, i + 2, i + 3, output: 2);

        var lines = RunJsonTests.Text(s => RequestsCsv.Write(run.Make(), s)).Split('\n');

        Assert.Equal(3002, lines.Length);
        Assert.All(lines[1..^1], (line, i) =>
        {
            Assert.StartsWith($"{i},{name},", line, StringComparison.Ordinal);
            Assert.Equal(18, line.Count(c => c == ','));
        });
    }

    [Fact]
    public void Samples_have_one_line_each() =>
        Assert.Equal(
            "at_s,waiting,running,kv_used,kv_live,output_tokens,finished\n0.0000000,1,2,0.5,0.25,0,0\n1.0000000,0,1,0.125,0.1,30,1\n",
            RunJsonTests.Text(s => TimeSeriesCsv.Write(new TinyRun().Make().Series, s)));
}
