using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>An answer that its caller sees only when it is complete, so that it can begin anew unnoticed.</summary>
public interface IWholeAnswer : IAnswerSink
{
    /// <summary>Forgets everything so far.</summary>
    void Reset();
}
