using System.Threading.Channels;
using Sluice.Core;

namespace Sluice.Upstreams;

/// <summary>One call inside a <see cref="PacedEngine"/>: how many of its tokens are due at the caller.</summary>
/// <remarks>The engine adds, the call's own task takes. A slow taker costs two numbers, however far it is behind.</remarks>
internal sealed class PacedCall(Request request)
{
    private readonly Channel<bool> _due = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private int _tokens;
    private volatile bool _hasEnded; // written after the tokens, read before them

    public Request Request { get; } = request;

    /// <summary>Tokens the engine has computed and scheduled for delivery.</summary>
    internal int Scheduled { get; set; }

    /// <summary>When the last of them is delivered.</summary>
    internal long LastDueTicks { get; set; }

    internal bool HasStarted { get; set; }

    /// <summary>How it ended; means something once <see cref="NextAsync"/> has said so.</summary>
    public CallEnd End { get; private set; }

    internal void Deliver(int tokens)
    {
        Volatile.Write(ref _tokens, tokens);
        _due.Writer.TryWrite(true);
    }

    internal void Finish(int tokens, CallEnd end)
    {
        End = end;
        Volatile.Write(ref _tokens, tokens);
        _hasEnded = true;
        _due.Writer.TryComplete();
    }

    /// <summary>Waits until more than <paramref name="seen"/> tokens are due or the call has ended.</summary>
    /// <returns>Tokens due in all, and whether these are all there will be.</returns>
    public async ValueTask<(int Tokens, bool HasEnded)> NextAsync(int seen, CancellationToken cancel)
    {
        while (true)
        {
            var hasEnded = _hasEnded;
            var tokens = Volatile.Read(ref _tokens);
            if (tokens > seen || hasEnded) return (tokens, hasEnded);
            if (await _due.Reader.WaitToReadAsync(cancel).ConfigureAwait(false)) _due.Reader.TryRead(out _);
        }
    }
}
