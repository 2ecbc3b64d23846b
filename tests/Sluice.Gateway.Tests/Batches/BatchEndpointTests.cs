using System.Net;
using System.Text.Json;
using Sluice.Upstreams;

namespace Sluice.Gateway.Tests;

public sealed class BatchEndpointTests
{
    [Theory]
    [InlineData("/v1/responses", "\"input\":\"hello\"", "response")]
    [InlineData("/v1/embeddings", "\"input\":\"hello\"", "list")]
    [InlineData("/v1/completions", "\"prompt\":\"hello\"", "text_completion")]
    public async Task Lines_may_use_other_endpoints(string endpoint, string prompt, string answer)
    {
        await using var gateway = await BatchGateway.StartAsync(new FakeUpstream());
        var file = await gateway.UploadedAsync(
            $$$"""{"custom_id":"a","method":"POST","url":"{{{endpoint}}}","body":{"model":"m",{{{prompt}}}}}""");
        var batch = await (await gateway.Gateway.PostAsync(
            "/v1/batches", $$"""{"input_file_id":"{{file}}","endpoint":"{{endpoint}}","completion_window":"24h"}""")).JsonAsync();

        var done = await gateway.UntilAsync(batch.GetProperty("id").GetString()!, "completed");

        Assert.Equal(1, done.GetProperty("request_counts").GetProperty("completed").GetInt32());
        var body = (await gateway.FileAsync(done, "output_file_id"))["a"].GetProperty("response").GetProperty("body");
        Assert.Equal(answer, body.GetProperty("object").GetString());
        if (answer != "response") return;
        Assert.Equal("one two three", body.GetProperty("output")[0].GetProperty("content")[0].GetProperty("text").GetString());
        Assert.Equal(3, done.GetProperty("usage").GetProperty("output_tokens").GetInt32());
    }

    [Fact]
    public async Task A_batch_completes_with_a_line_of_output_for_each_line_of_input()
    {
        await using var gateway = await BatchGateway.StartAsync(new FakeUpstream { SequencesMax = 8 });

        var id = await gateway.SubmitAsync(BatchGateway.Lines(100), more: ""","metadata":{"job":"nightly"}""");
        var batch = await gateway.UntilAsync(id, "completed");

        var counts = batch.GetProperty("request_counts");
        Assert.Equal((100, 100, 0), (counts.GetProperty("total").GetInt32(), counts.GetProperty("completed").GetInt32(), counts.GetProperty("failed").GetInt32()));
        Assert.Equal("m", batch.GetProperty("model").GetString());
        Assert.Equal("nightly", batch.GetProperty("metadata").GetProperty("job").GetString());
        Assert.Equal(300, batch.GetProperty("usage").GetProperty("output_tokens").GetInt64());
        Assert.Equal(86_400, batch.GetProperty("expires_at").GetInt64() - batch.GetProperty("created_at").GetInt64());
        foreach (var time in new[] { "in_progress_at", "finalizing_at", "completed_at" })
            Assert.Equal(JsonValueKind.Number, batch.GetProperty(time).ValueKind);
        foreach (var none in new[] { "errors", "error_file_id", "failed_at", "expired_at", "cancelling_at", "cancelled_at" })
            Assert.Equal(JsonValueKind.Null, batch.GetProperty(none).ValueKind);

        var output = await gateway.FileAsync(batch, "output_file_id");
        Assert.Equal(Enumerable.Range(1, 100).Select(i => $"c{i}"), output.Keys);
        var line = output["c7"];
        Assert.StartsWith("batch_req_", line.GetProperty("id").GetString(), StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Null, line.GetProperty("error").ValueKind);
        Assert.Equal(200, line.GetProperty("response").GetProperty("status_code").GetInt32());
        Assert.NotEmpty(line.GetProperty("response").GetProperty("request_id").GetString()!);
        Assert.Equal(
            "one two three",
            line.GetProperty("response").GetProperty("body").GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
    }

    [Fact]
    public async Task Every_line_is_asked_of_an_engine_once()
    {
        var engine = new FakeUpstream { SequencesMax = 8 };
        await using var gateway = await BatchGateway.StartAsync(engine);

        await gateway.UntilAsync(await gateway.SubmitAsync(BatchGateway.Lines(300)), "completed");

        Assert.Equal(300, engine.Calls.Count);
        Assert.Equal(300, engine.Calls.Select(BatchGateway.IdOf).Distinct().Count());
    }

    [Fact]
    public async Task A_line_that_an_engine_refuses_goes_to_the_error_file_with_its_answer()
    {
        var engine = new FakeUpstream
        {
            Script = (call, sink, cancel) => BatchGateway.IdOf(call) == "c2"
                ? Task.FromResult(new CallOutcome(CallEnd.Refused, 400, -1, 0, """{"error":{"message":"too long","code":"context_length_exceeded"}}"""))
                : FakeUpstream.WordsAsync(call, sink, cancel, "ok"),
        };
        await using var gateway = await BatchGateway.StartAsync(engine);

        var batch = await gateway.UntilAsync(await gateway.SubmitAsync(BatchGateway.Lines(3)), "completed");

        Assert.Equal(1, batch.GetProperty("request_counts").GetProperty("failed").GetInt32());
        Assert.Equal(["c1", "c3"], (await gateway.FileAsync(batch, "output_file_id")).Keys);
        var error = (await gateway.FileAsync(batch, "error_file_id"))["c2"].GetProperty("response");
        Assert.Equal(400, error.GetProperty("status_code").GetInt32());
        Assert.Equal("too long", error.GetProperty("body").GetProperty("error").GetProperty("message").GetString());
    }

    [Fact]
    public async Task A_cancelled_batch_keeps_its_answers_and_lists_the_rest_as_cancelled()
    {
        var engine = Blocking("c3", out var reached);
        await using var gateway = await BatchGateway.StartAsync(s_oneByOne, null, null, engine);
        var id = await gateway.SubmitAsync(BatchGateway.Lines(5));
        await reached;
        await CompletedAsync(gateway, id, 2);

        var cancelling = await (await gateway.Gateway.PostAsync($"/v1/batches/{id}/cancel", "")).JsonAsync();
        var batch = await gateway.UntilAsync(id, "cancelled");

        Assert.Equal("cancelling", cancelling.GetProperty("status").GetString());
        var counts = batch.GetProperty("request_counts");
        Assert.Equal((5, 2, 3), (counts.GetProperty("total").GetInt32(), counts.GetProperty("completed").GetInt32(), counts.GetProperty("failed").GetInt32()));
        Assert.Equal(["c1", "c2"], (await gateway.FileAsync(batch, "output_file_id")).Keys);
        var errors = await gateway.FileAsync(batch, "error_file_id");
        Assert.Equal(["c3", "c4", "c5"], errors.Keys);
        Assert.Equal("batch_cancelled", errors["c3"].GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(JsonValueKind.Null, errors["c3"].GetProperty("response").ValueKind);
    }

    [Fact]
    public async Task A_batch_whose_window_ends_keeps_its_answers_and_lists_the_rest_as_expired()
    {
        var engine = Blocking("c2", out var reached);
        var clock = new HandClock();
        await using var gateway = await BatchGateway.StartAsync(s_oneByOne, null, null, clock, engine);
        var id = await gateway.SubmitAsync(BatchGateway.Lines(3), window: "1h");
        await reached;
        await CompletedAsync(gateway, id, 1);

        clock.Pass(TimeSpan.FromHours(1));
        var batch = await gateway.UntilAsync(id, "expired");

        Assert.Equal(["c1"], (await gateway.FileAsync(batch, "output_file_id")).Keys);
        var errors = await gateway.FileAsync(batch, "error_file_id");
        Assert.Equal(["c2", "c3"], errors.Keys);
        Assert.Equal("batch_expired", errors["c2"].GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(JsonValueKind.Number, batch.GetProperty("expired_at").ValueKind);
        Assert.Equal(2, batch.GetProperty("request_counts").GetProperty("failed").GetInt32());
    }

    [Fact]
    public async Task A_batch_that_ended_cannot_be_cancelled_and_clients_need_not_try_again()
    {
        await using var gateway = await BatchGateway.StartAsync(new FakeUpstream());
        var id = await gateway.SubmitAsync(BatchGateway.Lines(1));
        await gateway.UntilAsync(id, "completed");

        var response = await gateway.Gateway.PostAsync($"/v1/batches/{id}/cancel", "");

        Assert.Equal(HttpStatusCode.Conflict, response.StatusCode);
        Assert.Equal("false", response.Header("x-should-retry"));
    }

    [Fact]
    public async Task A_gateway_that_starts_again_goes_on_where_the_last_one_stopped()
    {
        var folder = BatchGateway.NewFolder();
        string id;
        var first = Blocking("c4", out var reached);
        await using (var gateway = await BatchGateway.StartAsync(s_oneByOne, null, folder, first))
        {
            id = await gateway.SubmitAsync(BatchGateway.Lines(6));
            await reached;
            await CompletedAsync(gateway, id, 3);
            gateway.Gateway.Loop.CancelAll();
        }

        var second = new FakeUpstream();
        await using (var gateway = await BatchGateway.StartAsync(new(), null, folder, second))
        {
            var batch = await gateway.UntilAsync(id, "completed");
            Assert.Equal(6, (await gateway.FileAsync(batch, "output_file_id")).Count);
        }

        Assert.Equal(["c4", "c5", "c6"], second.Calls.Select(BatchGateway.IdOf).Order(StringComparer.Ordinal));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Lines_wait_while_no_engine_is_there_and_run_when_one_comes()
    {
        var engine = new FakeUpstream { IsUp = false };
        await using var gateway = await BatchGateway.StartAsync(engine);
        var id = await gateway.SubmitAsync(BatchGateway.Lines(5));
        await gateway.UntilAsync(id, "in_progress");

        engine.IsUp = true;

        Assert.Equal(5, (await gateway.UntilAsync(id, "completed")).GetProperty("request_counts").GetProperty("completed").GetInt32());
    }

    [Fact]
    public async Task A_line_under_which_engines_keep_breaking_fails_in_the_end_and_the_others_do_not()
    {
        var engine = new FakeUpstream
        {
            Script = (call, sink, cancel) => BatchGateway.IdOf(call) == "c2"
                ? Task.FromResult(new CallOutcome(CallEnd.Broken, 0, -1, 0, "connection reset"))
                : FakeUpstream.WordsAsync(call, sink, cancel, "ok"),
        };
        await using var gateway = await BatchGateway.StartAsync(engine);

        var batch = await gateway.UntilAsync(await gateway.SubmitAsync(BatchGateway.Lines(3)), "completed");

        Assert.Equal(["c1", "c3"], (await gateway.FileAsync(batch, "output_file_id")).Keys);
        Assert.Equal(502, (await gateway.FileAsync(batch, "error_file_id"))["c2"].GetProperty("response").GetProperty("status_code").GetInt32());
    }

    [Fact]
    public async Task A_batch_is_refused_before_it_exists_when_it_cannot_be_one()
    {
        await using var gateway = await BatchGateway.StartAsync(new FakeUpstream());
        var file = await gateway.UploadedAsync(BatchGateway.Line(1));
        var other = (await (await gateway.UploadAsync("x", "vision")).JsonAsync()).GetProperty("id").GetString()!;

        await RefusedAsync(await gateway.CreateAsync("file-none"), "input_file_id");
        await RefusedAsync(await gateway.CreateAsync(other), "input_file_id");
        await RefusedAsync(await gateway.CreateAsync(file, window: "soon"), "completion_window");
        await RefusedAsync(await gateway.CreateAsync(file, window: "31d"), "completion_window");
        await RefusedAsync(await gateway.CreateAsync(file, more: ""","metadata":{"a":1}"""), "metadata");
        await RefusedAsync(await gateway.CreateAsync(file, more: ""","output_expires_after":{"anchor":"created_at","seconds":1}"""), "output_expires_after");
        await RefusedAsync(await gateway.Gateway.PostAsync("/v1/batches", "{}"), "input_file_id");
        await RefusedAsync(await gateway.Gateway.PostAsync("/v1/batches", "not json"), null);
        await RefusedAsync(
            await gateway.Gateway.PostAsync("/v1/batches", $$"""{"input_file_id":"{{file}}","endpoint":"/v1/videos","completion_window":"24h"}"""), "endpoint");
        Assert.Empty((await (await gateway.Client.GetAsync("/v1/batches")).JsonAsync()).GetProperty("data").EnumerateArray());

        static async Task RefusedAsync(HttpResponseMessage response, string? param)
        {
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
            Assert.Equal(param, (await response.JsonAsync()).GetProperty("error").GetProperty("param").GetString());
        }
    }

    [Fact]
    public async Task Another_window_may_stand_in_a_header_that_a_strict_client_can_send()
    {
        await using var gateway = await BatchGateway.StartAsync(new FakeUpstream());

        var response = await gateway.CreateAsync(
            await gateway.UploadedAsync(BatchGateway.Line(1)), "24h", "", ("x-sluice-completion-window", "30m"));

        var batch = await response.JsonAsync();
        Assert.Equal("24h", batch.GetProperty("completion_window").GetString());
        Assert.Equal(1800, batch.GetProperty("expires_at").GetInt64() - batch.GetProperty("created_at").GetInt64());
    }

    [Fact]
    public async Task Output_files_expire_when_the_batch_says_so()
    {
        await using var gateway = await BatchGateway.StartAsync(new FakeUpstream());
        var id = await gateway.SubmitAsync(BatchGateway.Line(1), more: ""","output_expires_after":{"anchor":"created_at","seconds":7200}""");

        var batch = await gateway.UntilAsync(id, "completed");

        var file = await (await gateway.Client.GetAsync($"/v1/files/{batch.GetProperty("output_file_id").GetString()}")).JsonAsync();
        Assert.Equal("batch_output", file.GetProperty("purpose").GetString());
        Assert.Equal(7200, file.GetProperty("expires_at").GetInt64() - file.GetProperty("created_at").GetInt64());
    }

    [Fact]
    public async Task Another_tenants_batch_is_one_that_does_not_exist()
    {
        await using var gateway = await BatchGateway.StartAsync(new(), new CallersByHeader(), null, new FakeUpstream());
        var file = await (await gateway.UploadAsync(BatchGateway.Line(1), "batch", "a.jsonl", ("tenant", "a"))).JsonAsync();
        var fileId = file.GetProperty("id").GetString()!;
        var batch = await (await gateway.CreateAsync(fileId, "24h", "", ("tenant", "a"))).JsonAsync();
        var id = batch.GetProperty("id").GetString()!;

        Assert.Equal(HttpStatusCode.BadRequest, (await gateway.CreateAsync(fileId, "24h", "", ("tenant", "b"))).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await gateway.Client.GetAsync($"/v1/batches/{id}")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await gateway.Gateway.PostAsync($"/v1/batches/{id}/cancel", "", default, ("tenant", "b"))).StatusCode);
        Assert.Empty((await (await gateway.Client.GetAsync("/v1/batches")).JsonAsync()).GetProperty("data").EnumerateArray());
        Assert.Equal(HttpStatusCode.NotFound, (await gateway.Client.GetAsync($"/v1/batches?after={id}")).StatusCode);
    }

    [Fact]
    public async Task Interactive_requests_are_answered_while_a_batch_fills_the_queue()
    {
        var held = new TaskCompletionSource();
        var engine = new FakeUpstream
        {
            SequencesMax = 2,
            Script = async (call, sink, cancel) =>
            {
                if (call.ExternalId.StartsWith("batch_", StringComparison.Ordinal)) await held.Task.WaitAsync(cancel);
                return await FakeUpstream.WordsAsync(call, sink, cancel, "ok");
            },
        };
        await using var gateway = await BatchGateway.StartAsync(engine);
        var id = await gateway.SubmitAsync(BatchGateway.Lines(50));
        await gateway.UntilAsync(id, "in_progress");

        var response = await gateway.Gateway.ChatAsync("", ("x-sluice-class", "interactive"));
        held.SetResult();

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await gateway.UntilAsync(id, "completed");
    }

    /// <summary>An engine that takes one request at a time and never ends that line's.</summary>
    /// <summary>Lines begin in their order; otherwise the one that blocks its engine could be there first.</summary>
    private static readonly BatchOptions s_oneByOne = new() { LinesAtOnce = 1 };

    private static FakeUpstream Blocking(string customId, out Task reached)
    {
        var isReached = new TaskCompletionSource();
        reached = isReached.Task;
        return new()
        {
            SequencesMax = 1,
            Script = async (call, sink, cancel) =>
            {
                if (BatchGateway.IdOf(call) != customId) return await FakeUpstream.WordsAsync(call, sink, cancel, "ok");
                isReached.TrySetResult();
                await new TaskCompletionSource().Task.WaitAsync(cancel);
                return default;
            },
        };
    }

    private static async Task CompletedAsync(BatchGateway gateway, string id, int lines)
    {
        while ((await gateway.BatchAsync(id)).GetProperty("request_counts").GetProperty("completed").GetInt32() < lines)
        {
            // Each look is a request; the line's result is on its way into the store.
        }
    }
}
