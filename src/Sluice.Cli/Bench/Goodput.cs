using System.Globalization;
using Sluice.Core;

namespace Sluice.Cli;

/// <summary>What makes a request good, in the form of <c>vllm bench serve --goodput ttft:500 tpot:50 e2el:10000</c>: all of
/// it must hold.</summary>
/// <remarks>NaN for what is not asked.</remarks>
public sealed record Goodput(double TtftMilliseconds, double TpotMilliseconds, double E2elMilliseconds)
{
    public static Goodput None { get; } = new(double.NaN, double.NaN, double.NaN);

    public bool IsAsked => this != None;

    /// <exception cref="InputException">It has another form.</exception>
    public static Goodput Parse(IEnumerable<string> parts)
    {
        var goodput = None;
        foreach (var part in parts)
        {
            var colon = part.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0 || !double.TryParse(part.AsSpan(colon + 1), NumberStyles.Float, CultureInfo.InvariantCulture, out var limit)
                || !(limit > 0) || !double.IsFinite(limit))
                throw new InputException($"--goodput {part}: expected NAME:MILLISECONDS, as in ttft:500.");
            goodput = part[..colon] switch
            {
                "ttft" => goodput with { TtftMilliseconds = limit },
                "tpot" => goodput with { TpotMilliseconds = limit },
                "e2el" => goodput with { E2elMilliseconds = limit },
                var name => throw new InputException(
                    $"--goodput {part}: no such figure{Nearest.Hint(name, ["ttft", "tpot", "e2el"])}. Known: ttft, tpot, e2el."),
            };
        }

        return goodput;
    }

    public bool IsGood(in BenchCall call) =>
        !(call.TtftMilliseconds > TtftMilliseconds) && !(call.TpotMilliseconds > TpotMilliseconds) &&
        !(call.E2elMilliseconds > E2elMilliseconds);
}
