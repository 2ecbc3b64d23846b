using System.Globalization;
using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>A profile's name in its parts: <c>MODEL@DEVICE[:tpN][-VARIANT]</c>, lower case.</summary>
/// <param name="Variant">Set apart from the usual profile of the same model and device: <c>2023</c>. Empty for the usual
/// one.</param>
internal readonly record struct ProfileName(string Model, string Device, int TensorParallel, string Variant)
{
    public const string Form = "MODEL@DEVICE[:tpN], as in llama-3.1-8b@a100 or llama-2-70b@h100:tp4";

    /// <summary>In the form of the catalog: one GPU goes without saying.</summary>
    public override string ToString()
    {
        var parallel = TensorParallel == 1 && Variant.Length == 0
            ? ""
            : string.Create(CultureInfo.InvariantCulture, $":tp{TensorParallel}");
        return $"{Model}@{Device}{parallel}{(Variant.Length == 0 ? "" : "-" + Variant)}";
    }

    /// <exception cref="InputException">It has not that form; the message begins with <paramref name="where"/>.</exception>
    public static ProfileName Parse(string text, string where)
    {
        var name = text.Trim().ToLowerInvariant();
        var at = name.IndexOf('@', StringComparison.Ordinal);
        if (at <= 0 || at == name.Length - 1 || name.IndexOf('@', at + 1) >= 0) throw Wrong();

        var (model, device) = (name[..at], name[(at + 1)..]);
        var colon = device.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0) return new(model, device, 1, "");

        var parallel = device[(colon + 1)..];
        device = device[..colon];
        var dash = parallel.IndexOf('-', StringComparison.Ordinal);
        var variant = dash < 0 ? "" : parallel[(dash + 1)..];
        var degree = dash < 0 ? parallel : parallel[..dash];
        if (device.Length == 0 || !degree.StartsWith("tp", StringComparison.Ordinal) || (dash >= 0 && variant.Length == 0) ||
            !int.TryParse(degree.AsSpan(2), NumberStyles.None, CultureInfo.InvariantCulture, out var count) ||
            count is < 1 or > 1024) throw Wrong();
        return new(model, device, count, variant);

        InputException Wrong() => new($"{where}: '{text}' is no profile name: expected {Form}.");
    }
}
