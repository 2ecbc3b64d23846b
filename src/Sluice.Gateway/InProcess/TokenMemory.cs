using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>Tokens of answers that were interrupted, so that they go on from the very tokens and not from their text cut
/// anew.</summary>
/// <remarks>Bounded: the one kept longest goes first, and its answer goes on from its text.</remarks>
internal sealed class TokenMemory
{
    private const int AnswersMax = 1024;

    private readonly object _gate = new();
    private readonly Dictionary<RequestId, int[]> _tokens = [];
    private readonly Queue<RequestId> _order = new();

    public void Keep(RequestId request, int[] output)
    {
        lock (_gate)
        {
            if (!_tokens.ContainsKey(request)) _order.Enqueue(request);
            _tokens[request] = output;
            while (_tokens.Count > AnswersMax) _tokens.Remove(_order.Dequeue());
            while (_order.Count > 2 * AnswersMax) _order.Dequeue(); // Names that were taken.
        }
    }

    /// <returns>What is known of the answer, perhaps nothing. It is forgotten with that.</returns>
    public int[] Take(RequestId request)
    {
        lock (_gate) return _tokens.Remove(request, out var tokens) ? tokens : [];
    }
}
