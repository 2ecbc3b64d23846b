using System.Globalization;
using Sluice.Core;
using Sluice.Simulation;

namespace Sluice.Cli;

/// <summary>The engines a spec describes: <c>--profile 1xllama-3.1-8b@a100,2xllama-3.1-8b@h100</c>, or one profile and
/// <c>--engines</c>; and which of them share a device.</summary>
public static class Fleet
{
    public const int EnginesMax = 10_000;

    /// <summary>Whether a text says by itself how many engines there are.</summary>
    public static bool IsList(string profile) => Parse(profile) is not [{ Count: null }];

    /// <summary>How many engines a spec has.</summary>
    /// <exception cref="InputException">The list cannot be read, or its sum is not what <c>--engines</c> says.</exception>
    public static int Count(RunSpec spec)
    {
        if (!IsList(spec.Profile)) return spec.Engines ?? 1;

        var sum = Parse(spec.Profile).Sum(p => (long)(p.Count ?? 1));
        if (sum > EnginesMax) throw new InputException($"--profile {spec.Profile}: {sum} engines, expected at most {EnginesMax}.");
        if (spec.Engines is { } engines && engines != sum)
            throw new InputException($"--engines {engines}: --profile {spec.Profile} lists {sum}; leave --engines out or say {sum}.");
        return (int)sum;
    }

    /// <exception cref="InputException">As <see cref="Count"/>; or a profile is unknown, models differ, or engines that share a
    /// device do not fit it.</exception>
    public static IReadOnlyList<EngineSetup> Of(RunSpec spec)
    {
        var count = Count(spec);
        var parts = Parse(spec.Profile);
        var found = parts.Select(p => ProfileOf(p.Name)).ToArray();
        if (found.FirstOrDefault(p => p.Model != found[0].Model) is { } other)
            throw new InputException(
                $"--profile {spec.Profile}: {found[0].Model} and {other.Model}: expected one model, since any engine may "
                + "answer any request.");

        EngineProfile[] profiles = [.. parts.SelectMany((p, i) => Enumerable.Repeat(found[i], parts.Count == 1 ? count : p.Count ?? 1))];
        return spec.PerDevice == 1 ? [.. profiles.Select(p => (EngineSetup)p)] : Shared(profiles, spec.PerDevice);
    }

    /// <summary>Each run of this many engines has one device, and what the weights leave of its memory is divided among
    /// them.</summary>
    private static List<EngineSetup> Shared(EngineProfile[] profiles, int perDevice)
    {
        var engines = new List<EngineSetup>();
        for (var first = 0; first < profiles.Length; first += perDevice)
        {
            var profile = profiles[first];
            var sharing = Math.Min(perDevice, profiles.Length - first);
            if (profiles.AsSpan(first, sharing).ContainsAnyExcept(profile))
                throw new InputException(
                    $"--per-device {perDevice}: engines {first + 1} to {first + sharing} would share a device and have "
                    + "different profiles.");

            var sharer = profile with { KvTokens = KvTokens(profile, sharing, perDevice) };
            for (var i = 0; i < sharing; i++) engines.Add(new([sharer], Device: first / perDevice));
        }

        return engines;
    }

    private static int KvTokens(EngineProfile profile, int sharing, int perDevice)
    {
        var weights = profile.WeightGigabytes * 1e9;
        var each = (profile.KvTokens * (double)profile.KvBytesPerToken + weights) / sharing - weights;
        return each >= profile.KvBytesPerToken
            ? (int)(each / profile.KvBytesPerToken)
            : throw new InputException(FormattableString.Invariant(
                $"--per-device {perDevice}: {sharing} engines of {profile.Name} take {profile.WeightGigabytes} GB each and leave no KV."));
    }

    private static EngineProfile ProfileOf(string name)
    {
        try
        {
            return ProfileCatalog.Find(name);
        }
        catch (InputException e)
        {
            throw new InputException($"--profile {e.Message}");
        }
    }

    private static List<(int? Count, string Name)> Parse(string text)
    {
        string[] parts = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return parts.Length > 0
            ? [.. parts.Select(Part)]
            : throw new InputException("--profile: expected a profile; see 'sluice profiles'.");
    }

    /// <summary><c>2xNAME</c>, or a name alone.</summary>
    private static (int? Count, string Name) Part(string text)
    {
        var digits = 0;
        while (digits < text.Length && char.IsAsciiDigit(text[digits])) digits++;
        if (digits == 0 || digits + 1 >= text.Length || text[digits] != 'x') return (null, text);

        var number = text.AsSpan(0, digits);
        return int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is >= 1 and <= EnginesMax
            ? (count, text[(digits + 1)..])
            : throw new InputException($"--profile {text}: expected 1 to {EnginesMax} engines before the 'x'.");
    }
}
