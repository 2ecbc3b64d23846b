using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>The engine profiles that come with Sluice, by name, and those a user brings in a file.</summary>
public static class ProfileCatalog
{
    private static readonly Lazy<IReadOnlyList<EngineProfile>> s_entries = new(ReadOwn);

    /// <summary>In the order they should be listed: models by size, each by device; older published fits last.</summary>
    public static IReadOnlyList<EngineProfile> Entries => s_entries.Value;

    /// <summary>A profile of the catalog, or of a user's file.</summary>
    /// <param name="nameOrPath"><c>MODEL@DEVICE[:tpN]</c> in any case; or the path of a JSON file that holds one profile; or
    /// <c>PATH#NAME</c> for one of several.</param>
    /// <exception cref="InputException">No such profile; the message names the nearest.</exception>
    public static EngineProfile Find(string nameOrPath)
    {
        var hash = nameOrPath.LastIndexOf('#');
        if (hash > 0) return Among(Load(nameOrPath[..hash]), nameOrPath[(hash + 1)..], nameOrPath);
        if (!nameOrPath.EndsWith(".json", StringComparison.OrdinalIgnoreCase)) return Among(Entries, nameOrPath, nameOrPath);

        var profiles = Load(nameOrPath);
        return profiles.Count == 1
            ? profiles[0]
            : throw new InputException(
                $"{nameOrPath} holds {profiles.Count} profiles: say which one as {nameOrPath}#{profiles[0].Name}.");
    }

    /// <summary>Every profile of a JSON file in the form of our own <c>profiles.json</c>.</summary>
    /// <exception cref="InputException">The file cannot be read or does not hold profiles; the message says
    /// where.</exception>
    public static IReadOnlyList<EngineProfile> Load(string path)
    {
        try
        {
            return ProfileJson.Read(File.ReadAllBytes(path), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: {e.Message}");
        }
    }

    private static EngineProfile Among(IReadOnlyList<EngineProfile> profiles, string text, string where)
    {
        var asked = ProfileName.Parse(text, where);
        var name = asked.ToString();
        if (profiles.FirstOrDefault(p => p.Name == name) is { } found) return found;

        string[] all = [.. profiles.Select(p => p.Name)];
        string[] ofModel = [.. profiles.Where(p => p.Model == asked.Model).Select(p => p.Name)];
        throw ofModel.Length > 0
            ? new InputException(
                $"{where}: no such profile{Nearest.Hint(name, ofModel)}. For {asked.Model} there are: {string.Join(", ", ofModel)}.")
            : new InputException(
                $"{where}: no such profile{Nearest.Hint(name, all)}. Models: " +
                $"{string.Join(", ", profiles.Select(p => p.Model).Distinct())}.");
    }

    private static IReadOnlyList<EngineProfile> ReadOwn()
    {
        using var stream = typeof(ProfileCatalog).Assembly.GetManifestResourceStream("profiles.json");
        Check.That(stream is not null);
        var utf8 = new byte[stream.Length];
        stream.ReadExactly(utf8);
        var read = ProfileJson.Read(utf8, "profiles.json");
        var a10 = DerivedProfiles.OnA10(read.First(p => p.Name == "llama-2-7b@a100"), layers: 32);
        Check.That(a10 is not null);
        return [.. read, a10];
    }
}
