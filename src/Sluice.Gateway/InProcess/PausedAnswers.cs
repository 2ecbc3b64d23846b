using System.Diagnostics.CodeAnalysis;
using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>Answers of one engine that were evicted and stand as they were, until they go on or nobody wants them.</summary>
/// <remarks>Bounded, because each holds its tokens and, while there is room, its KV: the one paused longest is given up, and
/// goes on from its tokens.</remarks>
internal sealed class PausedAnswers
{
    private const int AnswersMax = 256;

    private readonly Lock _gate = new();
    private readonly LinkedList<(RequestId Id, InProcessAnswer Answer)> _answers = new(); // Paused longest first.

    public void Add(RequestId request, InProcessAnswer answer)
    {
        InProcessAnswer? oldest = null;
        lock (_gate)
        {
            _answers.AddLast((request, answer));
            if (_answers.Count > AnswersMax)
            {
                oldest = _answers.First!.Value.Answer;
                _answers.RemoveFirst();
            }
        }

        oldest?.Abandon();
    }

    public bool TryGet(RequestId request, [NotNullWhen(true)] out InProcessAnswer? answer)
    {
        lock (_gate) answer = Find(request)?.Value.Answer;
        return answer is not null;
    }

    public bool TryTake(RequestId request, [NotNullWhen(true)] out InProcessAnswer? answer)
    {
        lock (_gate)
        {
            var node = Find(request);
            if (node is not null) _answers.Remove(node);
            answer = node?.Value.Answer;
        }

        return answer is not null;
    }

    /// <summary>A walk: there are few, and they are asked for when one comes or goes.</summary>
    private LinkedListNode<(RequestId Id, InProcessAnswer Answer)>? Find(RequestId request)
    {
        for (var node = _answers.First; node is not null; node = node.Next)
            if (node.Value.Id == request) return node;
        return null;
    }
}
