namespace Sluice.Cli;

/// <summary>How far what a paper claims is known to us: the marks of the notes that the reproductions are made from.</summary>
public enum PaperSource
{
    /// <summary>[V]</summary>
    Checked = 1,

    /// <summary>[S]</summary>
    Summarised,

    /// <summary>[R]</summary>
    Recalled,

    /// <summary>[C]</summary>
    Computed,

    /// <summary>[I]</summary>
    Inferred,
}

/// <summary>The paper's side of a row: its figure, as text, and how it is known. It is as sure as its least sure part: a range of an
/// abstract, taken to hold for one workload, is inferred.</summary>
/// <remarks>Made by one of the factories only, so that no row can be without a source.</remarks>
public sealed record PaperFigure
{
    private PaperFigure(string text, PaperSource source) => (Text, Source) = (text, source);

    public string Text { get; }
    public PaperSource Source { get; }

    /// <summary>The letter in square brackets.</summary>
    public string Mark => $"[{MarkOf(Source)}]";

    /// <summary>Read in the paper or its code.</summary>
    public static PaperFigure Checked(string text) => new(text, PaperSource.Checked);

    /// <summary>From a published text about the paper.</summary>
    public static PaperFigure Summarised(string text) => new(text, PaperSource.Summarised);

    /// <summary>From memory of the paper.</summary>
    public static PaperFigure Recalled(string text) => new(text, PaperSource.Recalled);

    /// <summary>Computed by us from the paper's model.</summary>
    public static PaperFigure Computed(string text) => new(text, PaperSource.Computed);

    /// <summary>What we infer that the paper would show, or a limit of ours.</summary>
    public static PaperFigure Inferred(string text) => new(text, PaperSource.Inferred);

    /// <summary>What each mark means that these figures have, surest first.</summary>
    public static IEnumerable<string> Legend(IEnumerable<PaperFigure> figures) => figures
        .Select(f => f.Source).Distinct().Order().Select(s => $"[{MarkOf(s)}] {MeaningOf(s)}");

    public override string ToString() => $"{Text} {Mark}";

    private static char MarkOf(PaperSource source) => source switch
    {
        PaperSource.Checked => 'V',
        PaperSource.Summarised => 'S',
        PaperSource.Recalled => 'R',
        PaperSource.Computed => 'C',
        PaperSource.Inferred => 'I',
        _ => throw new Core.InvariantException($"unmapped {source}"),
    };

    private static string MeaningOf(PaperSource source) => source switch
    {
        PaperSource.Checked => "checked against the paper, its abstract or its code",
        PaperSource.Summarised => "from a published text about the paper, to be confirmed",
        PaperSource.Recalled => "from memory of the paper, to be confirmed",
        PaperSource.Computed => "computed by us from the paper's model",
        PaperSource.Inferred => "inferred: what we expect of the paper's idea, or a limit of ours",
        _ => throw new Core.InvariantException($"unmapped {source}"),
    };
}
