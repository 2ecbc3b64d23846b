using System.Text.Json;
using Sluice.Storage;

namespace Sluice.Gateway;

/// <summary>The body that makes or changes a tenant. A field that is not known is an error, because a limit that is misspelt
/// would be none.</summary>
internal static class TenantRequest
{
    private const double WeightMin = 0.001, WeightMax = 1000;

    private static readonly string[] s_fields = ["weight", "requests_per_minute", "tokens_per_minute", "class"];

    /// <returns>What is wrong, or null.</returns>
    public static ApiError? Read(JsonElement body, string id, long now, out Tenant? tenant)
    {
        tenant = null;
        foreach (var field in body.EnumerateObject())
        {
            if (!s_fields.Contains(field.Name))
            {
                return ApiError.BadRequest(
                    $"'{field.Name}' is no field of a tenant{Core.Nearest.Hint(field.Name, s_fields)}. "
                    + $"It has: {string.Join(", ", s_fields)}.",
                    field.Name);
            }
        }

        var weight = 1.0;
        if (body.TryGetProperty("weight", out var given) &&
            (given.ValueKind != JsonValueKind.Number || !given.TryGetDouble(out weight) || weight is < WeightMin or > WeightMax))
            return ApiError.BadRequest($"'weight' must be a number from {WeightMin} to {WeightMax}.", "weight", "invalid_value");
        if (Limit(body, "requests_per_minute", out var requests) is { } wrongRequests) return wrongRequests;
        if (Limit(body, "tokens_per_minute", out var tokens) is { } wrongTokens) return wrongTokens;
        string? name = null;
        if (body.TryGetProperty("class", out var ofClass) && ofClass.ValueKind != JsonValueKind.Null)
        {
            if (ofClass.ValueKind != JsonValueKind.String)
                return ApiError.BadRequest("'class' must be a string.", "class", "invalid_type");
            name = ofClass.GetString();
        }

        tenant = new(id, weight, requests, tokens, name, now);
        return null;
    }

    private static ApiError? Limit(JsonElement body, string name, out long? limit)
    {
        limit = null;
        if (!body.TryGetProperty(name, out var given) || given.ValueKind == JsonValueKind.Null) return null;
        if (given.ValueKind == JsonValueKind.Number && given.TryGetInt64(out var number) && number is > 0 and <= 1_000_000_000_000)
        {
            limit = number;
            return null;
        }

        return ApiError.BadRequest($"'{name}' must be a whole number above 0, or null for no limit.", name, "invalid_value");
    }
}
