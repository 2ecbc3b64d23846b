using System.IO.Compression;
using System.Text;
using Sluice.Core;

namespace Sluice.Simulation.Tests;

/// <summary>A small trace file that is gone after the test.</summary>
internal sealed class TempTrace : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sluice-trace").FullName;

    public TempTrace(byte[] content, string name = "t.csv")
    {
        FilePath = Path.Combine(_folder, name);
        File.WriteAllBytes(FilePath, content);
    }

    public TempTrace(string content, string name = "t.csv") : this(Encoding.UTF8.GetBytes(content), name) { }

    public string FilePath { get; }

    public static byte[] Gzip(string content)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest)) gzip.Write(Encoding.UTF8.GetBytes(content));
        return packed.ToArray();
    }

    public static Workload Read(string content, TraceFormat format = TraceFormat.Auto, TraceOptions? options = null)
    {
        using var file = new TempTrace(content);
        return TraceReader.Read(file.FilePath, format, options ?? new());
    }

    /// <summary>What the reader says about this content, without the folder.</summary>
    public static string Complaint(string content, TraceFormat format = TraceFormat.Auto, TraceOptions? options = null) =>
        Complaint(Encoding.UTF8.GetBytes(content), format, options);

    public static string Complaint(byte[] content, TraceFormat format = TraceFormat.Auto, TraceOptions? options = null)
    {
        using var file = new TempTrace(content);
        var e = Assert.Throws<InputException>(() => TraceReader.Read(file.FilePath, format, options ?? new()));
        return e.Message.Replace(file.FilePath, "t.csv", StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
