using Sluice.Core;
using Sluice.Policies;

namespace Sluice.Cli;

/// <summary>A system as its paper names it, and what it is here.</summary>
/// <param name="Name">In the paper; for tables.</param>
/// <param name="System">In the catalog.</param>
/// <param name="Settings">As after <c>--set</c>: <c>kv=paged</c>.</param>
public sealed record Contender(string Name, string System, params string[] Settings)
{
    public ServingSystem Make() =>
        Catalog.Make(System, new(Settings.Select(s => s.Split('=', 2)).ToDictionary(s => s[0], s => s[1])));

    public override string ToString() =>
        Settings.Length == 0 ? $"{Name} is {System}" : $"{Name} is {System} with {string.Join(", ", Settings)}";
}
