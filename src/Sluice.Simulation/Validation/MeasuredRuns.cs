using System.IO.Compression;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Finds measured runs in a directory.</summary>
public static class MeasuredRuns
{
    /// <summary>Reads every run it recognises by its file name, in ordinal order of names.</summary>
    /// <param name="directory">
    /// Holds any of: <c>vllm_bench_GPU_MODEL_requests.jsonl.gz</c> (one request per line; the workloads with prefix hashes are
    /// looked for in <c>../traces</c>), <c>*.exp.gz</c> one folder below (DistServe's lists), and
    /// <c>aiconfigurator_silicon_sample.csv.gz</c> (means by concurrency). Other files are left alone.
    /// </param>
    /// <exception cref="InputException">There is no such directory, nothing in it is known, or a file has not the form its
    /// name promises.</exception>
    public static IReadOnlyList<MeasuredRun> Find(string directory)
    {
        if (!Directory.Exists(directory)) throw new InputException($"{directory}: no such directory.");

        var runs = new List<MeasuredRun>();
        foreach (var path in Files(directory))
        {
            var file = Path.GetFileName(path);
            if (VllmBench.IsOne(file)) runs.Add(VllmBench.Read(path, Path.Combine(directory, "..", "traces")));
            else if (file == SiliconSample.File) runs.AddRange(SiliconSample.Read(path));
        }

        foreach (var folder in Directory.GetDirectories(directory).Order(StringComparer.Ordinal))
            foreach (var path in Files(folder))
                if (DistServeLog.IsOne(Path.GetFileName(path))) runs.Add(DistServeLog.Read(path));

        return runs.Count > 0
            ? runs
            : throw new InputException(
                $"{directory}: no measured runs. Expected vllm_bench_*_requests.jsonl.gz, {SiliconSample.File} or */*.exp.gz.");
    }

    /// <summary>Lines of a gzipped text file.</summary>
    internal static IReadOnlyList<string> Lines(string path)
    {
        try
        {
            using var reader = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
            var lines = new List<string>();
            while (reader.ReadLine() is { } line) lines.Add(line);
            return lines;
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: {e.Message}");
        }
    }

    private static IEnumerable<string> Files(string directory) => Directory.GetFiles(directory).Order(StringComparer.Ordinal);
}
