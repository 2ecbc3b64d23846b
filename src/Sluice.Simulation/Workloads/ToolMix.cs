using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>A kind of tool that answers call in their middle: means and standard deviations.</summary>
internal sealed record Tool(string Name, double Calls, double CallsSpread, double Seconds, double SecondsSpread);

/// <summary>Gives a share of answers calls of tools.</summary>
/// <remarks>Tools, how often an answer calls them and how long they take: Abhyankar et al., "InferCept" (ICML 2024), table of its six
/// augmentations [R]. Normal draws, cut at their lower ends; calls come at uniform places of the answer.</remarks>
internal sealed class ToolMix
{
    private static readonly Tool[] s_known =
    [
        new("math", 3.75, 1.3, 0.00009, 0.00006),
        new("qa", 2.52, 1.73, 0.69, 0.17),
        new("environment", 28.18, 15.2, 0.09, 0.014),
        new("chat", 4.45, 1.96, 28.6, 15.6),
        new("image", 6.91, 3.93, 20.03, 7.8),
        new("speech", 6.91, 3.93, 17.24, 7.6),
    ];

    private readonly Tool[] _tools = [];
    private readonly double _share;
    private readonly int _tokens;
    private readonly int? _count;
    private Rng _rng;

    /// <summary>Takes <c>tools=</c>, <c>tool-share=</c>, <c>tool-calls=</c> and <c>tool-tokens=</c>.</summary>
    /// <exception cref="InputException">A tool is not known, or a value is out of range.</exception>
    public ToolMix(Spec spec, Rng rng)
    {
        _rng = rng;
        if (spec.Has("tools"))
        {
            var names = spec.Text("tools");
            _tools = names == "all" ? s_known : [.. names.Split('+').Select(name => Array.Find(s_known, t => t.Name == name)
                ?? throw spec.Wrong("tools", name, $"all, or {string.Join(", ", s_known.Select(t => t.Name))} joined by +"))];
        }

        _share = spec.Number("tool-share", 0, 1, fallback: 1);
        _tokens = spec.Count("tool-tokens", 0, 1_000_000, fallback: 32);
        _count = spec.Has("tool-calls") ? spec.Count("tool-calls", 1, 1000) : null;
        if (_tools.Length == 0 && (spec.Has("tool-share") || spec.Has("tool-tokens") || _count is not null))
            throw spec.Error("says how tools are called but has no 'tools', expected for example tools=all");
    }

    /// <returns>Null for an answer that calls none.</returns>
    public ToolCall[]? Draw(int outputTokens)
    {
        if (_tools.Length == 0 || _rng.NextDouble() >= _share || outputTokens < 2) return null;
        var kind = _rng.Next(_tools.Length);
        var tool = _tools[kind];
        var wanted = _count ?? Math.Max(1, (int)Math.Round(tool.Calls + tool.CallsSpread * _rng.NextNormal()));
        var places = new SortedSet<int>();
        for (var i = 0; i < wanted; i++) places.Add(1 + _rng.Next(outputTokens - 1));
        return [.. places.Select(after => new ToolCall(after, Duration(tool), _tokens, Array.IndexOf(s_known, tool)))];
    }

    private TimeSpan Duration(Tool tool) =>
        TimeSpan.FromSeconds(Math.Max(tool.Seconds / 10, tool.Seconds + tool.SecondsSpread * _rng.NextNormal()));
}
