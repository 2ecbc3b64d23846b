namespace Sluice.Gateway;

/// <summary>Lets callers in by their API keys, within their tenants' limits.</summary>
/// <param name="requiresKeys">Refuse everybody without a key even while there are no keys.</param>
public sealed class TenantDoor(TenantDirectory directory, bool requiresKeys = false) : ICallers
{
    /// <summary>Bytes of a body per token, to reserve a prompt before it is read; English in JSON has about so many.</summary>
    private const int BytesPerToken = 4;

    private const string Scheme = "Bearer ";

    internal TenantDirectory Directory => directory;

    public Caller? Find(HttpContext context, out ApiError? refusal)
    {
        refusal = null;
        if (directory.IsOpen && !requiresKeys) return Caller.Anybody;

        var key = KeyOf(context.Request.Headers);
        if (key.IsEmpty || directory.Find(key) is not { } entry)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            refusal = new(
                401, "invalid_request_error", "invalid_api_key",
                key.IsEmpty
                    ? "An API key is missing. Send it as: Authorization: Bearer KEY."
                    : "The API key is not known here, or was revoked.");
            return null;
        }

        // Files, batches and lists cost the engines nothing; batch lines have the batch's window instead of these limits.
        if (!IsWork(context.Request)) return new TenantCaller(entry, null, 0);
        var reserved = (context.Request.ContentLength ?? 0) / BytesPerToken;
        refusal = entry.Limits.Enter(reserved, context.Response.Headers);
        return refusal is null ? new TenantCaller(entry, null, reserved) : null;
    }

    public void TurnedAway(Caller caller)
    {
        if (caller is TenantCaller tenant) tenant.Entry.Limits.Settle(tenant.Reserved, used: 0);
    }

    public void Ended(Caller caller, LiveOutcome outcome)
    {
        if (caller is not TenantCaller tenant) return;
        var used = outcome.IsCompleted || outcome.OutputTokens > 0 ? outcome.PromptTokens + outcome.OutputTokens : 0;
        if (tenant.IsLimited) tenant.Entry.Limits.Settle(tenant.Reserved, used);
        tenant.Entry.Usage.Add(used == 0 ? 0 : outcome.PromptTokens, outcome.OutputTokens);
    }

    /// <summary>Anthropic's and Azure's spellings are there for clients that are set up for them.</summary>
    private static ReadOnlySpan<char> KeyOf(IHeaderDictionary headers)
    {
        if (headers.Authorization is [{ } given] && given.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return given.AsSpan(Scheme.Length).Trim();
        return headers["api-key"] is [{ } azure] ? azure : headers["x-api-key"] is [{ } other] ? other : default;
    }

    private static bool IsWork(HttpRequest request) =>
        HttpMethods.IsPost(request.Method)
        && !request.Path.StartsWithSegments("/v1/files", StringComparison.OrdinalIgnoreCase)
        && !request.Path.StartsWithSegments("/v1/batches", StringComparison.OrdinalIgnoreCase)
        && !request.Path.StartsWithSegments("/v1/estimate", StringComparison.OrdinalIgnoreCase);
}
