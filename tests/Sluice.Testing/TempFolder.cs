using System.IO.Compression;

namespace Sluice.Testing;

/// <summary>A folder that is gone after the test.</summary>
public sealed class TempFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("sluice-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <returns>The file's path; folders in its name are made.</returns>
    public string Write(string name, string text)
    {
        System.IO.File.WriteAllText(Made(name), text);
        return File(name);
    }

    public string WriteZipped(string name, string text)
    {
        using var zip = new GZipStream(System.IO.File.Create(Made(name)), CompressionLevel.Fastest);
        using var writer = new StreamWriter(zip);
        writer.Write(text);
        return File(name);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private string Made(string name)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(File(name))!);
        return File(name);
    }
}
