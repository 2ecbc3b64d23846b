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
