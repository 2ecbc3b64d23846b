using Sluice.Core;

namespace Sluice.Simulation;

/// <summary>Draws the prompt and answer lengths of one request after the other.</summary>
/// <param name="name">As in <c>512/128</c>, for a workload's name.</param>
/// <param name="source">Where the lengths come from, as the end of a sentence; empty when the name says it all.</param>
internal abstract class LengthSource(string name, string source = "")
{
    public string Name { get; } = name;

    public string Source { get; } = source;

    public abstract (int PromptTokens, int OutputTokens) Draw(ref Rng rng);

    /// <summary>Reads <c>lengths=sharegpt</c>, or <c>prompt=…,output=…</c> where each is a law or the name of a table; the
    /// same table for both is drawn as a pair.</summary>
    /// <exception cref="InputException">A key is missing or its value is neither.</exception>
    public static LengthSource Of(Spec spec)
    {
        if (spec.Has("lengths"))
        {
            if (spec.Has("prompt") || spec.Has("output"))
                throw spec.Error("has lengths= beside prompt= or output=, expected one way");
            var name = spec.Text("lengths");
            return LengthTables.Find(name) is { } table
                ? new Pairs(table)
                : throw spec.Wrong("lengths", name, $"a table; {Nearest.HintAndList(name, LengthTables.Names)}");
        }

        var (prompt, output) = (spec.Text("prompt"), spec.Text("output"));
        if (prompt == output && LengthTables.Find(prompt) is { } both) return new Pairs(both);
        return new Independent($"{prompt}/{output}", LawOf(spec, "prompt"), LawOf(spec, "output"));
    }

    private static Law LawOf(Spec spec, string key)
    {
        var text = spec.Text(key);
        if (LengthTables.Find(text) is { } table) return new OneSide(table, isPrompt: key == "prompt");
        return Law.TryParse(text)
            ?? throw spec.Wrong(key, text, $"{Law.Examples}, or one of {string.Join(", ", LengthTables.Names)}");
    }

    private sealed class Independent(string name, Law prompt, Law output) : LengthSource(name)
    {
        public override (int PromptTokens, int OutputTokens) Draw(ref Rng rng) =>
            (prompt.DrawTokens(ref rng), output.DrawTokens(ref rng));
    }

    private sealed class Pairs(LengthTable table) : LengthSource(table.Name, $"; lengths {table.Origin}")
    {
        public override (int PromptTokens, int OutputTokens) Draw(ref Rng rng) => table.Draw(ref rng);
    }

    private sealed class OneSide(LengthTable table, bool isPrompt) : Law
    {
        public override double Draw(ref Rng rng)
        {
            var (prompt, output) = table.Draw(ref rng);
            return isPrompt ? prompt : output;
        }
    }
}
