using System.Text.Json;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Reads DistServe's experiment logs: their first line is a Python list of dictionaries, a request each, with the
/// client's time stamps [s].</summary>
/// <remarks>File names say <c>SET__ENGINE-REQUESTS-RATE.exp.gz</c>. Only the engine <c>vllm</c> is one engine of a kind we
/// simulate; the others split prefill and decode over engines. The lists hold names and numbers only, so Python's quotes are
/// all that keeps them from being JSON.</remarks>
internal static class DistServeLog
{
    private const string Suffix = ".exp.gz";

    private const string Origin =
        "OPT-13B on one A100-80, ShareGPT lengths, as the client saw it (LLMServe/DistServe, alignment benchmarks). The vLLM of " +
        "its day took prompts first and whole, so it is repeated as vllm-v0 with 256 sequences and 2,560 batched tokens, its " +
        "defaults from memory. The profile is the same authors' fit of vLLM; whether they looked at these runs is not known.";

    public static bool IsOne(string file) =>
        file.EndsWith(Suffix, StringComparison.Ordinal) && file.Contains("__", StringComparison.Ordinal) &&
        !file.Contains("-workload__", StringComparison.Ordinal); // Those list what was sent, without what came out.

    public static MeasuredRun Read(string path)
    {
        var name = Path.GetFileName(path)[..^Suffix.Length];
        var engine = name[(name.IndexOf("__", StringComparison.Ordinal) + 2)..];
        var run = new MeasuredRun
        {
            Name = engine,
            Set = "distserve-opt13b",
            Origin = Origin,
            Profile = "opt-13b@a100",
            System = "vllm-v0",
            Limits = new EngineLimits(TokenBudget: 2560, SequencesMax: 256),
        };
        if (!engine.StartsWith("vllm-", StringComparison.Ordinal))
            return run with { NotSimulated = "disaggregated prefill and decode" };

        var requests = new List<(MeasuredRequest Request, double FirstToken, double Complete)>();
        var text = (MeasuredRuns.Lines(path) is [var first, ..] ? first : "").Replace('\'', '"'); // A summary may follow the list.
        try
        {
            using var document = JsonDocument.Parse(text);
            if (document.RootElement.ValueKind != JsonValueKind.Array) throw new JsonException("expected a list [ … ]");
            foreach (var (i, element) in document.RootElement.EnumerateArray().Index())
            {
                var f = new JsonFields(element, $"{path}: [{i}]");
                requests.Add((
                    new(
                        f.Number("issue_time", 0, 1e11),
                        (int)f.Whole("prompt_len", 1, 1 << 24), (int)f.Whole("output_len", 1, 1 << 24), []),
                    f.Number("first_token_time", 0, 1e11), f.Number("complete_time", 0, 1e11)));
            }
        }
        catch (JsonException e)
        {
            throw new InputException($"{path}: no list of dictionaries as Python writes it: {e.Message}");
        }

        if (requests.Count == 0) throw new InputException($"{path}: no requests in it.");

        var begin = requests.Min(r => r.Request.ArrivalSeconds);
        var latencies = new RunLatencies();
        foreach (var (request, firstToken, complete) in requests)
            latencies.Add(
                (firstToken - request.ArrivalSeconds) * 1e3, (complete - request.ArrivalSeconds) * 1e3, request.OutputTokens);
        return run with
        {
            Workload = RunWorkloads.Of(
                engine, Origin, [.. requests.Select(r => r.Request with { ArrivalSeconds = r.Request.ArrivalSeconds - begin })]),
            Values = latencies.All(),
        };
    }
}
