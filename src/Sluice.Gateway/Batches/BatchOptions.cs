namespace Sluice.Gateway;

/// <summary>Bounds of files and batches. Those that OpenAI has are OpenAI's.</summary>
public sealed record BatchOptions
{
    /// <summary>Largest file [bytes].</summary>
    public long FileBytesMax { get; init; } = 200L << 20;

    public int LinesMax { get; init; } = 50_000;

    /// <summary>Largest line [bytes]: a line is held in memory while it runs.</summary>
    public int LineBytesMax { get; init; } = 8 << 20;

    /// <summary>Inputs to embed, over all lines.</summary>
    public int EmbeddingInputsMax { get; init; } = 50_000;

    /// <summary>Errors that validation reports; whoever has more has made the same mistake in each line.</summary>
    public int ErrorsMax { get; init; } = 100;

    /// <summary>Longest completion window; beyond it a promise means nothing.</summary>
    public TimeSpan WindowMax { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Lines that are with the dispatcher at once, over all batches: enough to keep eight engines busy with 256 each, or
    /// fewer and let a plan see that loading the model on one more is worth it. The rest waits in the store. A long line counts as
    /// several, see <see cref="LineSlots"/>.</summary>
    public int LinesAtOnce { get; init; } = 2048;

    /// <summary>Batches that run at once, those whose windows end first. Each holds one portion of its lines in
    /// memory.</summary>
    public int BatchesAtOnce { get; init; } = 64;

    /// <summary>Unfinished batches of one tenant.</summary>
    public int UnfinishedMax { get; init; } = 500;

    /// <summary>Engines may break off a line so many times, each time after the gateway tried several of them, before it
    /// fails.</summary>
    public int LineTriesMax { get; init; } = 3;

    /// <summary>Wait before lines are tried again that nothing could serve; doubles up to <see cref="PauseMax"/>.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan PauseMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Between two looks for files that have expired.</summary>
    public TimeSpan SweepEvery { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Age of a file that was begun and never finished, before it is deleted: far longer than any upload.</summary>
    public TimeSpan AbandonedAfter { get; init; } = TimeSpan.FromDays(1);

    /// <summary>Refuse a batch that would end after its window, as far as the throughput of late tells.</summary>
    public bool RefusesUnreachable { get; init; } = true;

    /// <summary>Lines that must have finished before throughput is called known.</summary>
    public int LearnedAfter { get; init; } = 200;
}
