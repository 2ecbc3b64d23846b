using System.Globalization;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Reads aiconfigurator's table of measured means by concurrency. Rows of engines, precisions or models we have no
/// profile for are listed with the reason.</summary>
internal static class SiliconSample
{
    public const string File = "aiconfigurator_silicon_sample.csv.gz";

    private const int RequestsPerClient = 10;

    private const string Origin =
        "Means by concurrency of vLLM 0.12 on H100, closed loop (ai-dynamo/aiconfigurator, silicon sample). Precision is not " +
        "recorded for these rows; bf16 is assumed. Neither are the engine's limits and the number of requests: 256 sequences and " +
        "10 requests per client, all clients starting at once, are assumed. Of 2,048 and 8,192 batched tokens, both defaults of " +
        "vLLM, 2,048 was taken because the measured TTFT rules out the other: so TTFT is no independent check.";

    private static readonly string[] s_columns =
    [
        "id", "backend", "model_path", "system", "precision", "mode", "isl", "osl", "batch_size", "tp_size", "pp_size",
        "attention_dp_size", "silicon_ttft_ms", "silicon_tpot_ms",
    ];

    public static IReadOnlyList<MeasuredRun> Read(string path)
    {
        var lines = MeasuredRuns.Lines(path);
        if (lines.Count < 2) throw new InputException($"{path}: no rows in it.");
        var header = lines[0].Split(',');
        var columns = s_columns.ToDictionary(name => name, name => Array.IndexOf(header, name));
        foreach (var (name, at) in columns)
            if (at < 0) throw new InputException($"{path}: no column '{name}'{Nearest.Hint(name, header)}.");

        var runs = new List<MeasuredRun>(lines.Count - 1);
        for (var i = 1; i < lines.Count; i++)
        {
            var cells = lines[i].Split(',');
            if (cells.Length != header.Length)
                throw new InputException($"{path}:{i + 1}: expected {header.Length} columns, got {cells.Length}.");
            runs.Add(Row(name => cells[columns[name]], $"{path}:{i + 1}"));
        }

        return runs;
    }

    private static MeasuredRun Row(Func<string, string> cell, string where)
    {
        var model = cell("model_path")[(cell("model_path").LastIndexOf('/') + 1)..].ToLowerInvariant();
        if (model.EndsWith("-instruct", StringComparison.Ordinal)) model = model[..^"-instruct".Length];
        var device = cell("system").Replace("_sxm", "", StringComparison.Ordinal);
        var parallel = (int)Number("tp_size", orElse: 1);
        var run = new MeasuredRun
        {
            Name = cell("id"),
            Set = "silicon-sample",
            Origin = Origin,
            Profile = new ProfileName(model, device, parallel, "").ToString(),
        };

        if (cell("mode") != "agg") return run with { NotSimulated = "disaggregated prefill and decode" };
        if (cell("precision") is not ("" or "bf16" or "fp16"))
            return run with { NotSimulated = $"{cell("precision")}, profiles are bf16" };
        if (cell("backend") != "vllm") return run with { NotSimulated = $"{cell("backend")}, profiles are vLLM's" };
        if (Number("pp_size", orElse: 1) != 1 || Number("attention_dp_size", orElse: 1) != 1)
            return run with { NotSimulated = "pipeline or data parallel" };

        var (prompt, output, clients) = ((int)Number("isl"), (int)Number("osl"), (int)Number("batch_size"));
        if (prompt < 1 || output < 2 || clients < 1)
            throw new InputException($"{where}: expected isl and batch_size of at least 1, osl of at least 2.");
        var name = FormattableString.Invariant($"{run.Profile} {prompt}/{output} x{clients}");
        return run with
        {
            Name = name,
            Limits = new EngineLimits(TokenBudget: 2048, SequencesMax: 256),
            Workload = RunWorkloads.ClosedLoop(name, Origin, clients, RequestsPerClient, prompt, output),
            Values =
            [
                new(LatencyMetric.Ttft, LatencyStatistic.Mean, Number("silicon_ttft_ms")),
                new(LatencyMetric.Tpot, LatencyStatistic.Mean, Number("silicon_tpot_ms")),
            ],
        };

        double Number(string column, double? orElse = null)
        {
            var text = cell(column);
            if (text.Length == 0 && orElse is { } value) return value;
            return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number is > 0 and < 1e9
                ? number
                : throw new InputException($"{where}: column '{column}': expected a number above 0, got '{text}'.");
        }
    }
}
