using System.Diagnostics;
using System.Text;
using Sluice.Engine;

namespace Sluice.Benchmarks;

/// <summary>How fast a model file's tokenizer is.</summary>
public static class TokenizerFigures
{
    /// <param name="model">GGUF file.</param>
    /// <param name="textFile">Text to cut; the repository's own prose will do.</param>
    public static void Print(string model, string textFile, int runs)
    {
        using var file = GgufFile.Open(model);
        var opened = Stopwatch.GetTimestamp();
        var tokenizer = Tokenizer.Read(file);
        var loading = Stopwatch.GetElapsedTime(opened);
        var text = File.ReadAllText(textFile);
        var megabytes = Encoding.UTF8.GetByteCount(text) / 1e6;
        var oneWord = new string('a', 1 << 20);
        var tokens = new List<int>();

        var whole = Median(runs, () => Encode(text));
        var count = tokens.Count;
        var one = Median(runs, () => Encode(oneWord));
        var decoding = Median(runs, () =>
        {
            var decoder = new TextDecoder(tokenizer);
            foreach (var token in tokens) decoder.Push(token);
        });

        Console.WriteLine($"# Tokenizer of {Path.GetFileName(model)}\n\n{Machine.Describe()}; median of {runs} runs\n");
        Console.WriteLine("| what | figure |\n|---|---:|");
        Console.WriteLine($"| reading the vocabulary of {tokenizer.Vocabulary.Count:#,##0} tokens | {loading.TotalMilliseconds:0.0} ms |");
        Console.WriteLine($"| encoding {megabytes:0.00} MB of text, {count:#,##0} tokens | {megabytes / whole:0.0} MB/s |");
        Console.WriteLine($"| encoding a word of a megabyte | {1.048576 / one:0.0} MB/s |");
        Console.WriteLine($"| decoding token by token | {tokens.Count / decoding / 1e6:0.0} million tokens/s |");

        void Encode(string what)
        {
            tokens.Clear();
            tokenizer.Encode(what, tokens);
        }
    }

    private static double Median(int runs, Action run)
    {
        run();
        double[] seconds = [.. Enumerable.Range(0, runs).Select(_ =>
        {
            var start = Stopwatch.GetTimestamp();
            run();
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }).Order()];
        return seconds[runs / 2];
    }
}
