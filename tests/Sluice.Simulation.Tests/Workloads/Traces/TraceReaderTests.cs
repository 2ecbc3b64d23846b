using Sluice.Core;

namespace Sluice.Simulation.Tests;

public sealed class TraceReaderTests
{
    [Fact]
    public void Azure_times_keep_their_100_ns_digits_and_start_at_zero()
    {
        var load = TempTrace.Read(TinyTraces.Azure);

        Assert.Equal([0L, 43_145_790L], load.Requests.Select(r => r.Arrival.Ticks));
        Assert.Equal([374, 396], load.Requests.Select(r => r.PromptTokens));
        Assert.Equal([44, 109], load.OutputTokens);
        Assert.Equal([44, 109], load.Requests.Select(r => r.MaxOutputTokens));
        Assert.Equal([0L, 1L], load.Requests.Select(r => r.Id.Value));
        Assert.Equal("t.csv (azure), 2 requests", load.Origin);
        Assert.Equal("t", load.Name);
    }

    [Fact]
    public void Azure_multimodal_images_become_media_work_and_zones_are_honoured()
    {
        var load = TempTrace.Read(TinyTraces.AzureMultimodal);

        Assert.Equal(new MediaWork(MediaKind.Image, 2, 1152, TimeSpan.FromMilliseconds(40)), load.Requests[0].Media);
        Assert.Null(load.Requests[1].Media);
        Assert.Equal(1, load.Requests[1].Arrival.Seconds);
    }

    [Fact]
    public void Burstgpt_failures_are_left_out_and_counted()
    {
        var load = TempTrace.Read(TinyTraces.BurstGpt);

        Assert.Equal([0d, 40d], load.Requests.Select(r => r.Arrival.Seconds));
        Assert.Equal(["ChatGPT", "GPT-4"], load.Models);
        Assert.Equal(["Conversation log", "API log"], load.Classes);
        Assert.Equal([0, 1], load.Requests.Select(r => r.Model.Index));
        Assert.Equal("t.csv (burstgpt), 2 requests; 1 failed or empty ones left out", load.Origin);
    }

    [Fact]
    public void Burstgpt_part_3_is_read_by_its_column_names()
    {
        var request = Assert.Single(TempTrace.Read(TinyTraces.BurstGptPart3).Requests);
        Assert.Equal(472, request.PromptTokens);
    }

    [Fact]
    public void Mooncake_blocks_expand_into_kv_blocks_and_share_what_the_ids_share()
    {
        var load = TempTrace.Read(TinyTraces.Mooncake);

        Assert.Equal(16, load.PrefixBlockTokens);
        var (a, b) = (load.Requests[0].PromptBlocks.ToArray(), load.Requests[1].PromptBlocks.ToArray());
        Assert.Equal((64, 75), (a.Length, b.Length)); // 1030 / 16 and 1200 / 16, full blocks only.
        Assert.Equal(a[..64], b[..64]);
        Assert.Equal(64 + 75 - 64, a.Concat(b).Distinct().Count());
        Assert.Equal(3.053, load.Requests[1].Arrival.Seconds);
    }

    [Theory]
    [InlineData(16, 3, 2)]
    [InlineData(32, 1, 1)]
    [InlineData(8, 6, 4)]
    [InlineData(24, 2, 1)]
    public void Kv_blocks_may_be_smaller_or_larger_than_the_blocks_of_the_trace(int kvTokens, int blocks, int shared)
    {
        var load = TempTrace.Read(TinyTraces.Bailian, options: new() { KvBlockTokens = kvTokens });

        var (a, b) = (load.Requests[0].PromptBlocks.ToArray(), load.Requests[1].PromptBlocks.ToArray());
        var common = a.Zip(b).TakeWhile(pair => pair.First == pair.Second).Count();
        Assert.Equal((50 / kvTokens, shared), (b.Length, common));
        Assert.True(blocks >= shared);
        Assert.Equal(["text", "search"], load.Classes);
    }

    [Fact]
    public void Llmservingsim_times_are_nanoseconds()
    {
        var load = TempTrace.Read(TinyTraces.LlmServingSim);

        Assert.Equal(0.1, load.Requests[1].Arrival.Seconds);
        Assert.Equal(load.Requests[0].PromptBlocks.Span[0], load.Requests[1].PromptBlocks.Span[0]);
        Assert.NotEqual(load.Requests[0].PromptBlocks.Span[1], load.Requests[1].PromptBlocks.Span[1]);
    }

    [Fact]
    public void Own_csv_carries_models_tenants_classes_and_prefixes()
    {
        var load = TempTrace.Read(TinyTraces.Csv);

        Assert.Equal(["llama", "qwen"], load.Models);
        Assert.Equal(["acme", "umbra"], load.Tenants);
        Assert.Equal(["chat", "batch"], load.Classes);
        Assert.Equal([0, 1, 0], load.Requests.Select(r => r.Class.Index));
        Assert.Equal(load.Requests[0].PromptBlocks[..3].ToArray(), load.Requests[1].PromptBlocks.ToArray());
        Assert.True(load.Requests[2].PromptBlocks.IsEmpty);
    }

    [Fact]
    public void Own_jsonl_reads_as_the_csv_does()
    {
        var (csv, jsonl) = (TempTrace.Read(TinyTraces.Csv), TempTrace.Read(TinyTraces.Jsonl));

        Assert.Equal(csv.Requests[1].Arrival, jsonl.Requests[1].Arrival);
        Assert.Equal(csv.Requests[0].PromptBlocks.ToArray(), jsonl.Requests[0].PromptBlocks.ToArray());
        Assert.Equal(["3", "4"], jsonl.Tenants);
    }

    [Fact]
    public void Lengths_take_their_arrivals_from_a_process()
    {
        var load = TempTrace.Read(TinyTraces.Lengths, options: new() { Arrivals = "constant:rate=2" });

        Assert.Equal([0d, 0.5], load.Requests.Select(r => r.Arrival.Seconds));
        Assert.Equal([3742, 18], load.Requests.Select(r => r.PromptTokens));
    }

    [Fact]
    public void Columns_may_stand_in_any_order_be_quoted_and_end_in_crlf_after_a_byte_order_mark()
    {
        var load = TempTrace.Read(
            "\uFEFF\"num_decode_tokens\",tenant,arrived_at,num_prefill_tokens\r\n\"7\",\"a \"\"b\"\", c\", 0.5 ,9.0\r\n\r\n\n");

        Assert.Equal((9, 7), (load.Requests[0].PromptTokens, load.OutputTokens[0]));
        Assert.Equal(["a \"b\", c"], load.Tenants);
    }

    [Fact]
    public void Unsorted_input_is_sorted_and_ties_keep_their_order()
    {
        var load = TempTrace.Read("arrived_at,num_prefill_tokens,num_decode_tokens\n5,1,1\n3,2,1\n5,3,1\n3,4,1\n");

        Assert.Equal([2, 4, 1, 3], load.Requests.Select(r => r.PromptTokens));
        Assert.Equal([0L, 1, 2, 3], load.Requests.Select(r => r.Id.Value));
        Assert.Contains("sorted by time", load.Origin, StringComparison.Ordinal);
    }

    [Fact]
    public void Gzip_is_told_by_content_whatever_the_name()
    {
        using var file = new TempTrace(TempTrace.Gzip(TinyTraces.Azure), "plain.csv");
        Assert.Equal(2, TraceReader.Read(file.FilePath, TraceFormat.Auto, new()).Requests.Length);
    }

    [Fact]
    public void Every_layout_is_detected()
    {
        foreach (var (format, content) in TinyTraces.All)
        {
            var options = new TraceOptions { Arrivals = "poisson:rate=1" };
            var detected = TempTrace.Read(content, TraceFormat.Auto, options);
            Assert.Equal(TempTrace.Read(content, format, options).Origin, detected.Origin);
        }
    }

    [Fact]
    public void Lines_longer_than_the_buffer_are_read_whole()
    {
        var ids = string.Join(",", Enumerable.Range(0, 200_000));
        var line = $$"""{"timestamp": 0, "input_length": 10000, "output_length": 1, "hash_ids": [{{ids}}]}""";

        Assert.Equal(2, TempTrace.Read($"{line}\n{line}\n").Requests.Length);
    }
}
