using System.Text.Json;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Reads a run of vLLM's own benchmark: one JSON object per request with the engine's time stamps.</summary>
/// <remarks>
/// Two clocks: <c>arrival_time</c> is the client's wall clock; <c>queued_ts</c>, <c>scheduled_ts</c>, <c>first_token_ts</c>
/// and <c>last_token_ts</c> are the engine core's monotonic clock, stamped between steps (requests of one step share
/// <c>first_token_ts</c> to the last digit). The offset between them is taken as the least <c>queued_ts − arrival_time</c> of
/// the run: the request that found the engine core idle was queued at once. TTFT is <c>first_token_ts − (arrival_time +
/// offset)</c> and so includes the wait for the step under way, which <c>queued_ts</c> does not (it is up to a step late);
/// what lies between the engine core and the caller is in neither side of the comparison. One step of delay is simulated:
/// this vLLM schedules one step ahead, and the stamps show it. In the first second of the RTX 4090 run prompts that fit one
/// step are scheduled at the ends of steps and have their first token two step ends later, never one. The prefix cache
/// was on: prompts found in it (1,264 of 1,871 tokens, say) have their first token in about half the time of others as long.
/// On RTX PRO 6000 the simulated TPOT of the first 50 requests, while prompts keep coming in, is 6 % short, of later ones
/// 2 to 4 %; that is the profile's error, and the waits behind it add up to the error of TTFT.
/// </remarks>
internal static class VllmBench
{
    private const string Prefix = "vllm_bench_";
    private const string Suffix = "_requests.jsonl.gz";

    private const string Origin =
        "Real vLLM 0.19, 300 ShareGPT requests at 10/s, 2,048 batched tokens, prefix cache on (casys-kaist/LLMServingSim). " +
        "TTFT and E2E are the engine core's, which schedules one step ahead; the client's and the engine's clocks are joined at the " +
        "request that was queued soonest.";

    public static bool IsOne(string file) =>
        file.StartsWith(Prefix, StringComparison.Ordinal) && file.EndsWith(Suffix, StringComparison.Ordinal) &&
        file.AsSpan(Prefix.Length).Contains('_') && file.Length > Prefix.Length + Suffix.Length;

    /// <param name="traces">Folder with the workloads' prefix hashes; it need not exist.</param>
    public static MeasuredRun Read(string path, string traces)
    {
        var middle = Path.GetFileName(path)[Prefix.Length..^Suffix.Length];
        var cut = middle.IndexOf('_', StringComparison.Ordinal);
        if (cut <= 0) throw new InputException($"{path}: expected {Prefix}GPU_MODEL{Suffix}.");
        var (device, model) = (middle[..cut], middle[(cut + 1)..]);

        var lines = Parse(MeasuredRuns.Lines(path), path);
        var offset = lines.Min(l => l.Queued - l.Arrival);
        var begin = lines.Min(l => l.Arrival);
        var latencies = new RunLatencies();
        foreach (var line in lines)
        {
            var arrival = line.Arrival + offset;
            latencies.Add((line.FirstToken - arrival) * 1e3, (line.LastToken - arrival) * 1e3, line.OutputTokens);
        }

        var prefixes = Prefixes(traces, model, lines);
        var requests = lines.Select((l, i) => new MeasuredRequest(l.Arrival - begin, l.InputTokens, l.OutputTokens, prefixes?[i] ?? []));
        return new MeasuredRun
        {
            Name = $"{model} on {device}",
            Set = "vllm-bench-rtx",
            Origin = prefixes is null ? Origin + " Prefix hashes were not found: simulated without a prefix cache." : Origin,
            Profile = $"{model}@{device}",
            HasPrefixCache = prefixes is not null,
            Limits = new EngineLimits(TokenBudget: 2048, SequencesMax: device == "rtx4090" ? 256 : 128),
            Delay = new TokenDelay(Iterations: 1, Milliseconds: 0),
            Workload = RunWorkloads.Of($"{model} on {device}", Origin, [.. requests]),
            Values = latencies.All(),
        };
    }

    private static List<Line> Parse(IReadOnlyList<string> texts, string path)
    {
        var lines = new List<Line>(texts.Count);
        for (var i = 0; i < texts.Count; i++)
        {
            if (string.IsNullOrWhiteSpace(texts[i])) continue;
            try
            {
                using var document = JsonDocument.Parse(texts[i]);
                var f = new JsonFields(document.RootElement, $"{path}:{i + 1}");
                var line = new Line(
                    (int)f.Whole("input_toks", 1, 1 << 24), (int)f.Whole("output_toks", 1, 1 << 24), Seconds(f, "arrival_time"),
                    Seconds(f, "queued_ts"), Seconds(f, "first_token_ts"), Seconds(f, "last_token_ts"));
                if (line.FirstToken < line.Queued || line.LastToken < line.FirstToken)
                    throw new InputException($"{path}:{i + 1}: expected queued_ts <= first_token_ts <= last_token_ts.");
                lines.Add(line);
            }
            catch (JsonException e)
            {
                throw new InputException($"{path}:{i + 1}: no valid JSON: {e.Message}");
            }
        }

        return lines.Count > 0 ? lines : throw new InputException($"{path}: no requests in it.");
    }

    private static double Seconds(JsonFields f, string key) => f.Number(key, 0, 1e11);

    /// <summary>Block hashes of the workload the run was made from; null if no trace with the same lengths is
    /// there.</summary>
    private static ulong[][]? Prefixes(string traces, string model, List<Line> lines)
    {
        if (!Directory.Exists(traces)) return null;
        var path = Directory.GetFiles(traces, $"sharegpt_{model}_*_blockhash16.jsonl.gz").Order(StringComparer.Ordinal).FirstOrDefault();
        if (path is null) return null;

        var texts = MeasuredRuns.Lines(path);
        if (texts.Count != lines.Count) return null;

        var prefixes = new ulong[texts.Count][];
        for (var i = 0; i < texts.Count; i++)
        {
            try
            {
                using var document = JsonDocument.Parse(texts[i]);
                var root = document.RootElement;
                if (root.GetProperty("input_toks").GetInt32() != lines[i].InputTokens) return null;
                if (root.GetProperty("output_toks").GetInt32() != lines[i].OutputTokens) return null;
                prefixes[i] = [.. root.GetProperty("hash_ids").EnumerateArray().Select(id => new Rng(id.GetUInt64()).NextUInt64())];
            }
            catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
            {
                throw new InputException($"{path}:{i + 1}: expected input_toks, output_toks and hash_ids: {e.Message}");
            }
        }

        return prefixes;
    }

    private readonly record struct Line(
        int InputTokens, int OutputTokens, double Arrival, double Queued, double FirstToken, double LastToken);
}
