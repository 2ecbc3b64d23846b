using System.Text.Json.Nodes;
using Sluice.Testing;

namespace Sluice.Cli.Tests;

public sealed class BenchCommandTests : IAsyncLifetime, IAsyncDisposable
{
    private const string Piece = """{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}]}""";

    private readonly FakeServer _server = new();

    public BenchCommandTests()
    {
        _server.Map("GET /v1/models", """{"object":"list","data":[{"id":"m","object":"model"}]}""");
        _server.Map("POST /v1/chat/completions", AnswerAsync);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync() => await _server.DisposeAsync();

    private static async Task AnswerAsync(FakeRequest request, FakeReply reply)
    {
        var tokens = (int)request.Json["max_tokens"]!;
        await reply.StreamAsync("x-sluice-expected-wait-ms: 30\r\nx-sluice-queue-wait-ms: 20\r\n");
        for (var i = 0; i < tokens; i++) await reply.EventAsync(Piece);
        await reply.EventAsync("""{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}""");
        await reply.EventAsync($$$"""{"choices":[],"usage":{"prompt_tokens":20,"completion_tokens":{{{tokens}}}}}""");
        await reply.PieceAsync("data: [DONE]\n\n");
    }

    private Task<Ran> Bench(string more) => Task.Run(() =>
        Shell.Run($"bench --url {_server.Address} --workload poisson:rate=1000,n=8,prompt=16,output=4 {more}".Split(' ', StringSplitOptions.RemoveEmptyEntries)));

    [Fact]
    public async Task It_prints_the_block_of_vllm_bench_serve()
    {
        var ran = await Bench("--concurrency 2 --goodput ttft:60000 tpot:60000 e2el:60000");

        Assert.Equal(0, ran.Code);
        var lines = ran.Out.Split('\n');
        Assert.Equal("============ Serving Benchmark Result ============", lines[0]);
        Assert.Equal("Successful requests:                     8", lines[1]);
        Assert.Contains("Maximum request concurrency:             2", lines);
        Assert.Contains("Total input tokens:                      160", lines);
        Assert.Contains("Total generated tokens:                  32", lines);
        Assert.Contains("---------------Time to First Token----------------", lines);
        Assert.Contains("-----Time per Output Token (excl. 1st token)------", lines);
        Assert.Contains("---------------Inter-token Latency----------------", lines);
        Assert.Contains("----------------End-to-end Latency----------------", lines);
        Assert.Contains("Mean expected wait (ms):                 30.00", lines);
        Assert.Contains("Mean error, over-estimates positive (ms): 10.00", lines);
        Assert.All(lines, l => Assert.True(l.Length <= 55, l));
    }

    [Fact]
    public async Task Json_has_the_keys_of_vllm_and_the_goodput_that_was_asked_for()
    {
        var ran = await Bench("--rate inf --goodput e2el:0.000001 --json");

        var json = JsonNode.Parse(ran.Out)!;
        Assert.Equal((8, 0, 32), ((int)json["completed"]!, (int)json["failed"]!, (int)json["total_output_tokens"]!));
        Assert.Equal(0, (double)json["request_goodput"]!);
        Assert.True((double)json["mean_ttft_ms"]! > 0);
        Assert.True((double)json["p99_e2el_ms"]! >= (double)json["median_e2el_ms"]!);
        Assert.Equal(10, (double)json["wait_calibration"]!["mean_error_ms"]!);
    }

    [Fact]
    public async Task Promises_go_out_as_headers_and_attainment_comes_back_by_class()
    {
        var ran = await Bench("--slo chat:0.5,ttft=60s,tpot=60s;batch:0.5,e2e=1h");

        Assert.Contains("chat (n = ", ran.Out);
        Assert.Matches(@"batch \(n = \d+\): +100.00 %", ran.Out);
        var sent = _server.Asked("/v1/chat/completions");
        Assert.Contains(sent, r => r.Headers.GetValueOrDefault("x-llm-d-slo-ttft-ms") == "60000");
        Assert.Contains(sent, r => r.Headers.GetValueOrDefault("x-sluice-e2e-ms") == "3600000");
    }

    [Fact]
    public async Task Requests_carry_prompt_and_length_of_the_workload()
    {
        await Bench("");

        var sent = _server.Asked("/v1/chat/completions")[0].Json;
        Assert.Equal(("m", 4, true), ((string?)sent["model"], (int)sent["max_tokens"]!, (bool)sent["ignore_eos"]!));
        Assert.Equal(16, ((string)sent["messages"]![0]!["content"]!).Split(' ', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task What_goes_wrong_is_counted_and_said()
    {
        var count = 0;
        _server.Map("POST /v1/chat/completions", (request, reply) => Interlocked.Increment(ref count) % 4 == 0
            ? reply.JsonAsync(429, """{"error":{"message":"full"}}""")
            : AnswerAsync(request, reply));

        var ran = await Bench("");

        Assert.Contains("Failed requests:                         2", ran.Out);
        Assert.Contains("2 x 429: {\"error\":{\"message\":\"full\"}}", ran.Out);
    }

    [Fact]
    public async Task Ctrl_C_prints_what_there_is()
    {
        using var stop = new CancellationTokenSource();
        var count = 0;
        _server.Map("POST /v1/chat/completions", async (request, reply) =>
        {
            if (Interlocked.Increment(ref count) <= 3)
            {
                await AnswerAsync(request, reply);
                return;
            }

            await stop.CancelAsync();
            await reply.GoneAsync();
        });
        using var output = new StringWriter();

        var code = await Task.Run(() => App.Run(
            ["bench", "--url", $"{_server.Address}", "--workload", "poisson:rate=1000,n=8,prompt=16,output=4", "--concurrency", "1"],
            new Terminal(output, TextWriter.Null) { Stop = stop.Token }));

        Assert.Equal(ExitCodes.Interrupted, code);
        Assert.Contains("Successful requests:                     3", output.ToString());
        Assert.Contains("Stopped early: 3 of 8 requests had ended", output.ToString());
    }

    [Theory]
    [InlineData("--url nowhere", "--url nowhere: expected an address")]
    [InlineData("--url http://127.0.0.1:1", "nobody answers")]
    [InlineData("--goodput tttf:5", "no such figure (did you mean 'ttft'?)")]
    [InlineData("--goodput ttft", "expected NAME:MILLISECONDS")]
    [InlineData("--rate 0", "--rate 0: expected requests per second")]
    [InlineData("--concurrency 0", "--concurrency 0: expected a whole number from 1")]
    [InlineData("--endpoint chats", "expected chat or completions")]
    [InlineData("--profile x", "--profile")]
    [InlineData("--url http://127.0.0.1:1 --workload programs:rate=1,n=2,stages=2,prompt=8,output=2", "can only be simulated")]
    public void Wrong_flags_are_told_apart(string flags, string message)
    {
        var ran = Shell.Run(["bench", .. flags.Split(' ')]);

        Assert.Equal(ExitCodes.BadInput, ran.Code);
        Assert.Contains(message, ran.Error);
    }
}
