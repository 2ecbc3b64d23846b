using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>A joint distribution of prompt and answer lengths as a coarse fit: quantiles of the prompt, and quantiles of the
/// answer for each fifth of the prompts.</summary>
/// <remarks>Keeps both marginals and most of the dependence between them in about 600 numbers. Between two quantiles lengths
/// are taken to be uniform.</remarks>
internal sealed record LengthTable(string Name, string Origin, int[] Prompt, int[][] OutputByPromptFifth)
{
    private const int Fifths = 5;

    /// <summary>Quantiles kept: every percent, and three more in the tail that decides memory.</summary>
    private static readonly double[] s_grid = [.. Enumerable.Range(0, 100).Select(i => i / 100.0), 0.995, 0.999, 1];

    public (int PromptTokens, int OutputTokens) Draw(ref Rng rng)
    {
        var rank = rng.NextDouble();
        return (At(Prompt, rank), At(OutputByPromptFifth[(int)(rank * Fifths)], rng.NextDouble()));
    }

    /// <summary>A table of what was seen. Deterministic; equal prompts go by their position.</summary>
    /// <param name="prompts">Tokens, at least five entries.</param>
    /// <param name="outputs">Tokens, the answer to the prompt of the same index.</param>
    public static LengthTable Fit(string name, string origin, ReadOnlySpan<int> prompts, ReadOnlySpan<int> outputs)
    {
        Check.That(prompts.Length == outputs.Length);
        Check.That(prompts.Length >= Fifths);

        var order = new (int Prompt, int Index)[prompts.Length];
        for (var i = 0; i < order.Length; i++) order[i] = (prompts[i], i);
        Array.Sort(order);

        var byFifth = new int[Fifths][];
        for (var fifth = 0; fifth < Fifths; fifth++)
        {
            var part = order.AsSpan()[(order.Length * fifth / Fifths)..(order.Length * (fifth + 1) / Fifths)];
            var sorted = new int[part.Length];
            for (var i = 0; i < part.Length; i++) sorted[i] = outputs[part[i].Index];
            Array.Sort(sorted);
            byFifth[fifth] = Quantiles(sorted);
        }

        return new(name, origin, Quantiles([.. order.Select(entry => entry.Prompt)]), byFifth);
    }

    /// <summary>The same shape with every length divided, at least 1.</summary>
    public LengthTable DividedBy(string name, string origin, double prompt, double output)
    {
        return new(name, origin, Divide(Prompt, prompt), [.. OutputByPromptFifth.Select(row => Divide(row, output))]);

        static int[] Divide(int[] values, double by) => [.. values.Select(v => Math.Max(1, (int)Math.Round(v / by)))];
    }

    /// <summary>True if a table read from outside has the right shape.</summary>
    public bool IsWellFormed() =>
        IsRow(Prompt) && OutputByPromptFifth.Length == Fifths && OutputByPromptFifth.All(IsRow);

    private static bool IsRow(int[] row) => row.Length == s_grid.Length && row[0] >= 1 && row.Order().SequenceEqual(row);

    private static int[] Quantiles(int[] sorted)
    {
        var row = new int[s_grid.Length];
        for (var i = 0; i < row.Length; i++) row[i] = sorted[(int)Math.Round(s_grid[i] * (sorted.Length - 1))];
        return row;
    }

    private static int At(int[] row, double rank)
    {
        var i = Math.Min((int)(rank * 100), 99);
        while (s_grid[i + 1] <= rank) i++;
        var within = (rank - s_grid[i]) / (s_grid[i + 1] - s_grid[i]);
        return (int)Math.Round(row[i] + (row[i + 1] - row[i]) * within);
    }
}
