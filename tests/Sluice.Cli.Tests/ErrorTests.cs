using System.IO.Compression;
using Sluice.Testing;

namespace Sluice.Cli.Tests;

/// <summary>Everything that can be wrong with a command line: one line on standard error that begins with "sluice: " and says
/// what is wrong, and exit code 2.</summary>
public sealed class ErrorTests
{
    [Theory]
    [InlineData("simulte", "simulte: no such command (did you mean 'simulate'?). Known: serve, simulate, ")]
    [InlineData("--foo", "--foo: 'sluice' has no such option")]
    [InlineData("simulate --sytem x", "--sytem: 'sluice simulate' has no such option (did you mean '--system'?)")]
    [InlineData("simulate --enginse=3", "--enginse=3: 'sluice simulate' has no such option (did you mean '--engines'?)")]
    [InlineData("simulate extra", "extra: one word too many for 'sluice simulate'")]
    [InlineData("simulate --workload", "--workload: expected a value, SPEC")]
    [InlineData("simulate --engines 0", "--engines 0: expected a whole number from 1 to 10000.")]
    [InlineData("simulate --engines 1,2", "--engines 1,2: expected a whole number from 1 to 10000.")]
    [InlineData("simulate --scale nan", "--scale nan: expected a number from 0.001 to 1000000.")]
    [InlineData("simulate --system vllm", "--system vllm: no such system (did you mean 'vllm-v1'?)")]
    [InlineData("simulate --set roter=random", "--set roter: system 'vllm-v1' has no such setting (did you mean 'router'?)")]
    [InlineData("simulate --set router=rand", "--set router=rand: expected one of least-outstanding, ")]
    [InlineData("simulate --set router", "--set router: expected key=value.")]
    [InlineData("simulate --patience x", "--patience x: expected a duration such as 2s")]
    [InlineData("simulate --profile llama-3.1-8b@a10", "--profile llama-3.1-8b@a10: no such profile (did you mean 'llama-3.1-8b@a100'?)")]
    [InlineData("simulate --profile nope.json", "--profile nope.json: ")]
    [InlineData("simulate --profile 0xllama-3.1-8b@a100", "--profile 0xllama-3.1-8b@a100: expected 1 to 10000 engines before the 'x'.")]
    [InlineData("simulate --profile 2xllama-3.1-8b@a100 --engines 3", "--engines 3: --profile 2xllama-3.1-8b@a100 lists 2")]
    [InlineData("simulate --profile llama-3.1-8b@a100,llama-2-7b@a100", "--profile llama-3.1-8b@a100,llama-2-7b@a100: llama-3.1-8b and llama-2-7b")]
    [InlineData("simulate --per-device 4 --engines 4 --profile llama-2-70b@h100:tp4", "--per-device 4: 4 engines of llama-2-70b@h100:tp4 take 138 GB")]
    [InlineData("simulate --workload poison:rate=2", "--workload: 'poison' is no kind of workload: did you mean 'poisson'?")]
    [InlineData("simulate --workload poisson:rate=2,n=5,prompt=9,outputs=9", "--workload: 'poisson:rate=2,n=5,prompt=9,outputs=9' has no 'output'")]
    [InlineData("simulate --slo ttft", "--slo ttft: 'ttft' promises nothing, expected such as ttft=1s")]
    [InlineData("simulate --slo chat:0.5,ttf=1s", "--slo chat:0.5,ttf=1s: 'chat:share=0.5,ttf=1s' has the key 'ttf': did you mean 'ttft'?")]
    [InlineData("simulate --arrivals poisson:rate=2", "--arrivals poisson:rate=2: replaces the arrivals of a trace; expected --trace FILE")]
    [InlineData("simulate --format azure", "--format azure: says how to read a trace; expected --trace FILE")]
    [InlineData("simulate --format azur --trace x", "--format: trace format 'azur': did you mean 'azure'?")]
    [InlineData("simulate --trace nope.csv", "nope.csv: there is no such file")]
    [InlineData("simulate --trace x --workload sample", "--trace and --workload: expected one of them.")]
    [InlineData("simulate --config nope.json", "--config nope.json: there is no such file.")]
    [InlineData("compare --threads 0", "--threads 0: expected a whole number from 1 to 1024.")]
    [InlineData("compare --systems vllm-v1,nope", "--system nope: no such system")]
    [InlineData("compare --systems sjf edf", "edf: one word too many for 'sluice compare'; lists take commas and no blanks")]
    [InlineData("compare --vary engins=1,2", "--vary engins: no such flag or setting (did you mean 'engines'?)")]
    [InlineData("compare --vary router", "--vary router: expected key=value,value,...")]
    [InlineData("compare --fleets 1,x", "--engines x: expected a whole number")]
    [InlineData("compare --profile nope@a100", "--profile nope@a100: no such profile")]
    [InlineData("policies edff", "edff: no such system (did you mean 'edf'?)")]
    [InlineData("profiles llama-3.1-8b@a10", "llama-3.1-8b@a10: no such profile (did you mean 'llama-3.1-8b@a100'?)")]
    [InlineData("workloads gama", "gama: no such kind of workload (did you mean 'gamma'?)")]
    [InlineData("validate nope", "nope: there is no such folder")]
    public void A_wrong_command_line_is_answered_in_one_line(string line, string message) => Refuses(line.Split(' '), message);

    [Fact]
    public void A_key_of_a_configuration_that_is_no_flag_is_named_with_its_place_and_the_nearest()
    {
        using var folder = new TempFolder();
        var file = folder.Write("c.yaml", "system: sjf\nengins: 2\n");

        Refuses(["simulate", "--config", file], $"{file}:2:1: unknown key 'engins' (did you mean 'engines'?)");
    }

    [Theory]
    [InlineData("system: sjf\nengines: many\n", ":2:10: --engines many: expected a whole number")]
    [InlineData("system: [a\n", ":2:1: ")]
    [InlineData("- a\n", ": expected one map of flags to values")]
    [InlineData("trace: a.csv\nworkload: sample\n", ": trace and workload: expected one of them.")]
    [InlineData("system: {a: b}\n", ":1:9: system: expected a single value.")]
    public void A_wrong_configuration_is_answered_with_the_place(string text, string message)
    {
        using var folder = new TempFolder();
        var file = folder.Write("c.yaml", text);

        Refuses(["simulate", "--config", file], file + message);
    }

    [Theory]
    [InlineData("arrived_at,num_prefill_tokens,num_decode_tokens\n0,10,5\n1,x,5\n", ":3: column 'num_prefill_tokens' (2): found 'x', expected")]
    [InlineData("a,b\n1,2\n", ":1: found 'a,b', expected the first line of one of the formats azure, ")]
    [InlineData("", ": the file is empty")]
    [InlineData("num_prefill_tokens,num_decode_tokens\n9,9\n", ": this format has lengths but no arrival times; say how")]
    public void A_broken_trace_is_answered_with_the_place(string text, string message)
    {
        using var folder = new TempFolder();
        var file = folder.Write("t.csv", text);

        Refuses(["simulate", "--trace", file], file + message);
    }

    [Fact]
    public void A_trace_cut_short_is_refused_before_a_folder_is_made()
    {
        using var folder = new TempFolder();
        var file = folder.File("t.csv.gz");
        using (var packed = new MemoryStream())
        {
            using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            using (var writer = new StreamWriter(gzip))
            {
                writer.Write("arrived_at,num_prefill_tokens,num_decode_tokens\n");
                for (var i = 0; i < 5000; i++) writer.Write($"{i},{i % 977 + 1},{i % 31 + 1}\n");
            }

            File.WriteAllBytes(file, packed.ToArray()[..(int)(packed.Length / 2)]);
        }

        Refuses(["simulate", "--trace", file, "--out", folder.File("run")], file);
        Assert.False(Directory.Exists(folder.File("run")));
    }

    [Fact]
    public void A_folder_that_is_a_file_is_refused_before_the_run()
    {
        using var folder = new TempFolder();
        var file = folder.Write("f", "");

        Refuses(["simulate", "--workload", Shell.Quick, "--out", file], $"--out {file}: is a file, expected a folder.");
    }

    private static void Refuses(string[] args, string message)
    {
        var ran = Shell.Run(args);

        Assert.Equal(ExitCodes.BadInput, ran.Code);
        Assert.StartsWith("sluice: " + message, ran.Error, StringComparison.Ordinal);
        Assert.Equal(1, ran.Error.Count(c => c == '\n'));
        Assert.Equal("", ran.Out);
    }
}
