using System.Text.Json;

namespace Sluice.Gateway.Tests;

public sealed class ValidationTests
{
    public static TheoryData<string, string, int?> Files => new()
    {
        { "", "empty_file", null },
        { "\n \n", "empty_file", null },
        { BatchGateway.Line("a") + "\nnot json\n", "invalid_json_line", 2 },
        { BatchGateway.Line("a") + "\n" + BatchGateway.Line("a"), "duplicate_custom_id", 2 },
        { BatchGateway.Line("a") + "\n" + BatchGateway.Line("b").Replace("\"m\"", "\"other\"", StringComparison.Ordinal), "mismatched_model", 2 },
        { BatchGateway.Line("a").Replace("\"m\"", "\"unknown\"", StringComparison.Ordinal), "model_not_found", 1 },
        { BatchGateway.Lines(11), "too_many_tasks", 11 },
        { BatchGateway.Line("a") + "\n" + BatchGateway.Line("b", ",\"x\":\"" + new string('x', 5000) + "\""), "line_too_long", 2 },
    };

    [Theory, MemberData(nameof(Files))]
    public async Task A_file_that_cannot_run_fails_with_the_line_and_runs_nothing(string content, string code, int? line)
    {
        var engine = new FakeUpstream();
        await using var gateway = await BatchGateway.StartAsync(new BatchOptions { LinesMax = 10, LineBytesMax = 4000 }, null, null, engine);

        var batch = await gateway.UntilAsync(await gateway.SubmitAsync(content), "failed");

        var errors = batch.GetProperty("errors");
        Assert.Equal("list", errors.GetProperty("object").GetString());
        var error = errors.GetProperty("data").EnumerateArray().First();
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.Equal(line, error.GetProperty("line").ValueKind == JsonValueKind.Null ? null : error.GetProperty("line").GetInt32());
        Assert.Equal(JsonValueKind.Number, batch.GetProperty("failed_at").ValueKind);
        Assert.Empty(engine.Calls);
    }

    [Fact]
    public async Task All_mistakes_are_reported_up_to_a_limit()
    {
        await using var gateway = await BatchGateway.StartAsync(new BatchOptions { ErrorsMax = 3 }, null, null, new FakeUpstream());

        var batch = await gateway.UntilAsync(await gateway.SubmitAsync("a\nb\nc\nd\n"), "failed");

        Assert.Equal([1, 2, 3], batch.GetProperty("errors").GetProperty("data").EnumerateArray().Select(e => e.GetProperty("line").GetInt32()));
    }

    [Fact]
    public async Task Blank_lines_are_skipped_and_line_ends_may_be_of_either_kind()
    {
        await using var gateway = await BatchGateway.StartAsync(new FakeUpstream());

        var id = await gateway.SubmitAsync(BatchGateway.Line(1) + "\r\n\r\n" + BatchGateway.Line(2) + "\n\n");
        var batch = await gateway.UntilAsync(id, "completed");

        Assert.Equal(2, batch.GetProperty("request_counts").GetProperty("total").GetInt32());
    }
}
