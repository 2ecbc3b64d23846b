using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Reads a recorded workload.</summary>
/// <remarks>A file is read whole or not at all: the first thing wrong in it ends the reading with its file, line and
/// column. A million CSV rows cost under a second and leave 130 MB of requests.</remarks>
public static class TraceReader
{
    /// <param name="path">Plain or gzipped text, told apart by content.</param>
    /// <exception cref="InputException">The file, a value in it, or an option cannot be used.</exception>
    public static Workload Read(string path, TraceFormat format, TraceOptions options)
    {
        options.Validate();

        using var lines = new TraceLines(path);
        if (!lines.MoveNext()) throw new InputException($"{path}: the file holds only blank lines");
        if (format == TraceFormat.Auto) format = TraceDetection.Detect(lines);

        var rows = format switch
        {
            TraceFormat.Azure => AzureTrace.Read(lines),
            TraceFormat.BurstGpt => BurstGptTrace.Read(lines),
            TraceFormat.Lengths => PlainTrace.ReadLengths(lines),
            TraceFormat.Csv => PlainTrace.Read(lines),
            _ => JsonTrace.Read(lines, JsonLayout.Of(format)),
        };
        return TraceWorkload.Build(path, format, rows, options);
    }
}
