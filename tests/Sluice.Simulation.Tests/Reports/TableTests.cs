using Sluice.Core;

namespace Sluice.Simulation.Tests;

public sealed class TableTests
{
    [Fact]
    public void Summary_has_the_shape_of_vllm_bench_serve()
    {
        var run = new TinyRun { Classes = ["chat", "batch"], Notes = ["The profile is inferred from a data sheet and not checked."] }
            .Finished(0, 50, 100, 300, output: 11, slo: TinyRun.Slo(ttft: 150))
            .Finished(0, 50, 200, 500, output: 11, slo: TinyRun.Slo(ttft: 150))
            .Lost(0, Outcome.Rejected, ofClass: 1);
        run.Itl.Add(20, weight: 20);

        Assert.Equal(Expected, Text(w => SummaryTable.Write(RunSummary.Of(run.Make()), w)));
    }

    [Fact]
    public void Comparison_marks_the_best_of_a_column_and_fits_120_columns()
    {
        RunSummary[] runs =
        [
            Run("fcfs", ttft: 300), Run("a system with a very long name and several settings that differ", ttft: 100),
        ];

        var text = Text(w => ComparisonTable.Write(runs, w));

        var lines = text.Split('\n');
        Assert.All(lines, line => Assert.True(line.Length <= 120));
        Assert.Contains("100 ms*", lines[3], StringComparison.Ordinal);
        Assert.Contains("300 ms ", lines[2], StringComparison.Ordinal);
        Assert.Contains("…", lines[3], StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_name_is_wrapped_and_no_line_of_a_summary_is_wider_than_60()
    {
        var run = new TinyRun { System = new string('s', 90), Workload = "a workload whose name goes on for longer than one line" };

        var lines = Text(w => SummaryTable.Write(RunSummary.Of(run.Make()), w)).Split('\n');

        Assert.All(lines, line => Assert.True(line.Length <= 60, line));
        Assert.Equal("System:" + new string('s', 90), string.Concat(lines[1..4]).Replace(" ", "", StringComparison.Ordinal));
    }

    private static RunSummary Run(string system, double ttft) =>
        RunSummary.Of(new TinyRun { System = system }.Finished(0, 1, ttft, 1000, output: 2).Make());

    private static string Text(Action<TextWriter> write)
    {
        using var writer = new StringWriter();
        write(writer);
        return writer.ToString();
    }

    private const string Expected =
        """
        =============== Serving Benchmark Result ===============
        System:             fcfs
        Workload:           tiny
        Engines / devices:  2 / 4
        Successful requests:                    2
        Failed requests:                        0
        Rejected requests:                      1
        Cancelled requests:                     0
        Unfinished requests:                    0
        Benchmark duration, virtual (s):        10.00
        Total input tokens:                     200
        Total generated tokens:                 22
        Request throughput (req/s):             0.20
        Request goodput (req/s):                0.10
        Output token throughput (tok/s):        2.20
        Output token goodput (tok/s):           1.10
        Smooth goodput (tok/s):                 -7.80
        ------------------Time to First Token-------------------
        Mean TTFT (ms):                         150.00
        Median TTFT (ms):                       100.00
        P90 TTFT (ms):                          200.00
        P95 TTFT (ms):                          200.00
        P99 TTFT (ms):                          200.00
        --------Time per Output Token (excl. 1st token)---------
        Mean TPOT (ms):                         25.00
        Median TPOT (ms):                       20.00
        P90 TPOT (ms):                          30.00
        P95 TPOT (ms):                          30.00
        P99 TPOT (ms):                          30.00
        ------------------Inter-token Latency-------------------
        Mean ITL (ms):                          20.00
        Median ITL (ms):                        20.00
        P90 ITL (ms):                           20.00
        P95 ITL (ms):                           20.00
        P99 ITL (ms):                           20.00
        -------------------End-to-end Latency-------------------
        Mean E2EL (ms):                         400.00
        Median E2EL (ms):                       300.00
        P90 E2EL (ms):                          500.00
        P95 E2EL (ms):                          500.00
        P99 E2EL (ms):                          500.00
        -----------------------Queue Wait-----------------------
        Mean wait (ms):                         50.00
        Median wait (ms):                       50.00
        P90 wait (ms):                          50.00
        P95 wait (ms):                          50.00
        P99 wait (ms):                          50.00
        ---------------------SLO Attainment---------------------
        All requests:                           33.33 %
        Every token in time for a reader:       66.67 %
        Mean idle time of a reader (s):         19.93
        chat (n = 2):                           50 %
        batch (n = 1):                          0 %
        --------------------------Run---------------------------
        Preemptions:                            0
        Iterations:                             77
        Wall-clock time (s):                    0.50
        Simulated requests per wall second:     6
        Fingerprint:                            0000000000000abc
        Note: The profile is inferred from a data sheet and not
          checked.
        ========================================================

        """;
}
