namespace Sluice.Gateway;

/// <summary>A response on its way.</summary>
/// <param name="BodyBytes">Held for its request.</param>
internal sealed record RunningResponse(
    GatewayServices Gateway, LiveRequest Live, ResponseState State, Urgency Urgency, string ClassName, int BodyBytes)
{
    /// <returns>What to answer when nothing else was.</returns>
    public ApiError? End(Caller caller, LiveOutcome outcome)
    {
        var error = outcome.IsCompleted ? null : LiveErrors.Of(Live, outcome, Urgency.IsOwnPatience);
        State.End(outcome, error);
        Gateway.Callers.Ended(caller, outcome);
        return error;
    }
}
