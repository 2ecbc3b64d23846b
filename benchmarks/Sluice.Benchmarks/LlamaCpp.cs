using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Sluice.Benchmarks;

/// <summary>Llama.cpp's own benchmarks (<c>llama-bench</c>, <c>llama-batched-bench</c>), where they are on the path: the same
/// file on the same machine in the same run.</summary>
internal static class LlamaCpp
{
    public static bool IsHere => Find("llama-bench") is not null && Find("llama-batched-bench") is not null;

    /// <returns>Tokens per second: prefill of so many tokens, then decode at each batch size; of several repetitions the
    /// best.</returns>
    public static double[] Measure(string model, int threads, int prefill, int[] batches, int context)
    {
        string[] same = ["-m", model, "-t", Text(threads)];
        var prompt = Run("llama-bench", [.. same, "-p", Text(prefill), "-n", "0", "-r", "5", "-o", "jsonl"]);
        var result = new double[1 + batches.Length];
        result[0] = prompt.Max(line => line.GetProperty("samples_ts").EnumerateArray().Max(s => s.GetDouble()));
        for (var round = 0; round < 3; round++)
        {
            var decodes = Run("llama-batched-bench",
            [
                .. same, "-tb", Text(threads), "-c", "8192", "-b", "2048", "-ub", "512", "-npp", Text(context), "-ntg", "32",
                "-npl", string.Join(',', batches), "--output-format", "jsonl",
            ]);
            foreach (var line in decodes)
            {
                var i = 1 + Array.IndexOf(batches, line.GetProperty("pl").GetInt32());
                result[i] = Math.Max(result[i], line.GetProperty("speed_tg").GetDouble());
            }
        }

        return result;
    }

    private static List<JsonElement> Run(string program, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Find(program)!, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        var lines = new List<JsonElement>();
        while (process.StandardOutput.ReadLine() is { } line)
            if (line.StartsWith('{')) lines.Add(JsonElement.Parse(line));
        process.WaitForExit();
        return process.ExitCode == 0 && lines.Count > 0
            ? lines
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}");
    }

    private static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
