using Sluice.Core;
using YamlDotNet.RepresentationModel;

namespace Sluice.Gateway;

/// <summary>A tenant as the configuration has it.</summary>
/// <param name="Class">Class of requests that name none; null for the usual one.</param>
public sealed record TenantSpec(
    string Id, double Weight, long? RequestsPerMinute, long? TokensPerMinute, string? Class, IReadOnlyList<TenantKeySpec> Keys);

/// <summary>A key as the configuration has it: its hash, or where it stands; never the key itself.</summary>
/// <param name="Sha256">In hexadecimal; null if it is in a variable.</param>
/// <param name="Variable">Environment variable that holds the key; null if there is a hash.</param>
public sealed record TenantKeySpec(string Name, string? Sha256, string? Variable)
{
    /// <returns>Null if the variable is not set.</returns>
    /// <param name="variable">Reads an environment variable.</param>
    public byte[]? Hash(Func<string, string?> variable) =>
        Sha256 is not null ? Convert.FromHexString(Sha256)
        : variable(Variable!) is { Length: > 0 and <= ApiKeys.LengthMax } key ? ApiKeys.HashOf(key)
        : null;
}

/// <summary>Reads tenants and their keys.</summary>
internal static class TenantsConfig
{
    private const int KeysMax = 1000;

    public static IReadOnlyList<TenantSpec> Read(ConfigMap map, SloClasses classes)
    {
        var all = new List<TenantSpec>();
        foreach (var id in map.Keys)
        {
            if (map.Map(id) is not { } one) continue;
            if (!TenantIds.AreGood(id)) map.ProblemAt(id, $"'{id}': {TenantIds.Rule}");
            all.Add(Tenant(id, one, classes));
        }

        return all;
    }

    private static TenantSpec Tenant(string id, ConfigMap map, SloClasses classes)
    {
        var ofClass = map.Text("class");
        if (ofClass is not null && !classes.TryFind(ofClass, out _))
        {
            string[] names = [.. classes.All.Select(c => c.Name)];
            map.ProblemAt("class", $"'{ofClass}': no such class; {Nearest.HintAndList(ofClass, names)}");
        }

        var keys = new List<TenantKeySpec>();
        foreach (var (key, node) in map.List("keys"))
            if (Key(key, node) is { } read) keys.Add(read);
        if (keys.Count > KeysMax) map.ProblemAt("keys", $"{keys.Count} keys: expected {KeysMax} at most");
        var tenant = new TenantSpec(
            id, map.Number("weight", 0.001, 1000) ?? 1, map.Whole("requests-per-minute", 1, int.MaxValue),
            map.Whole("tokens-per-minute", 1, int.MaxValue), ofClass, keys);
        map.RefuseUnknown();
        return tenant;
    }

    private static TenantKeySpec? Key(ConfigMap map, YamlNode node)
    {
        var key = new TenantKeySpec(map.Text("name") ?? "", map.Text("sha256"), map.Text("env"));
        map.RefuseUnknown();
        if (key.Sha256 is null == key.Variable is null)
        {
            map.Problem(node, "expected sha256, the key's hash, or env, a variable that holds the key");
            return null;
        }

        if (key.Sha256 is null || (key.Sha256.Length == 64 && key.Sha256.All(char.IsAsciiHexDigit))) return key;
        map.ProblemAt("sha256", "expected 64 hexadecimal digits, as from: printf %s KEY | sha256sum");
        return null;
    }
}

/// <summary>What a tenant may be called.</summary>
internal static class TenantIds
{
    public const int LengthMax = 100;
    public const string Rule = "a tenant's id has at most 100 letters, digits, '-', '_' and '.'";

    public static bool AreGood(string id) =>
        id.Length is > 0 and <= LengthMax && id.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
}
