namespace Sluice.Simulation.Tests;

/// <summary>Profile files with just what they need.</summary>
public static class Profiles
{
    public const string Coefficients = """{ "a": 5, "b": 0.01, "c": 0.02, "d": 0.0001, "e": 0.000001 }""";

    public static string Body(string name, string more = "", string coefficients = Coefficients) =>
        $$"""
          "name": "{{name}}", "coefficients": {{coefficients}}, "kvBytesPerToken": 1024, "kvTokens": 1000,
          "weightGigabytes": 2, "origin": "measured by me"{{more}}
          """;

    public static string One(string name, string more = "", string coefficients = Coefficients) =>
        $$"""{ "schema": "sluice-profiles/1", {{Body(name, more, coefficients)}} }""";

    public static string Many(params string[] bodies) =>
        $$"""{ "schema": "sluice-profiles/1", "profiles": [ {{string.Join(", ", bodies.Select(b => $"{{{b}}}"))}} ] }""";
}

/// <summary>A folder that goes away with the test.</summary>
public sealed class TempFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("sluice-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);

    public string Write(string file, string text)
    {
        var path = System.IO.Path.Combine(Path, file);
        File.WriteAllText(path, text);
        return path;
    }

    public string WriteZipped(string file, string text)
    {
        var path = System.IO.Path.Combine(Path, file);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        using var zip = new System.IO.Compression.GZipStream(File.Create(path), System.IO.Compression.CompressionLevel.Fastest);
        using var writer = new StreamWriter(zip);
        writer.Write(text);
        return path;
    }
}
