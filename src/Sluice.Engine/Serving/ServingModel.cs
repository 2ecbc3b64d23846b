namespace Sluice.Engine;

/// <summary>A model with an engine of its own thread.</summary>
public sealed class ServingModel : IAsyncDisposable
{
    private readonly IDisposable _owned;

    /// <param name="bytes">Memory that it takes, weights and KV.</param>
    /// <param name="owned">Released once the thread is done.</param>
    public ServingModel(TextModel text, ServingLoop loop, int sequencesMax, long bytes, IDisposable owned, string name)
    {
        (Text, SequencesMax, Bytes, _owned) = (text, sequencesMax, bytes, owned);
        Engine = new(loop, name);
    }

    public TextModel Text { get; }
    public EmbeddedEngine Engine { get; }
    public int SequencesMax { get; }
    public long Bytes { get; }

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync().ConfigureAwait(false);
        _owned.Dispose();
    }
}
