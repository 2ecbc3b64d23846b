using Sluice.Core;

namespace Sluice.Gateway;

/// <summary>Who sends a request.</summary>
/// <param name="Class">Class of what says nothing of its own; null for the usual one.</param>
/// <param name="Classes">Names of the classes it may ask for; null for all.</param>
public record Caller(TenantId Tenant, string Name, string? Class = null, IReadOnlyList<string>? Classes = null)
{
    public static Caller Anybody { get; } = new(new(0), "default");
}

/// <summary>Tells callers apart, and lets them in.</summary>
public interface ICallers
{
    /// <returns>Null when it may not come in; <paramref name="refusal"/> says why.</returns>
    Caller? Find(HttpContext context, out ApiError? refusal);

    /// <summary>A request of theirs was turned away before it could run: nothing that was reserved for it is used.</summary>
    void TurnedAway(Caller caller)
    {
    }

    /// <summary>A request of theirs is over.</summary>
    void Ended(Caller caller, LiveOutcome outcome)
    {
    }
}

/// <summary>No keys: everybody is let in.</summary>
internal sealed class OpenDoor : ICallers
{
    public Caller? Find(HttpContext context, out ApiError? refusal)
    {
        refusal = null;
        return Caller.Anybody;
    }
}
