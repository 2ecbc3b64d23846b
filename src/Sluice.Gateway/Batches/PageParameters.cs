using System.Globalization;
using System.Text.Json;
using Sluice.Storage;

namespace Sluice.Gateway;

/// <summary>Paging as OpenAI's lists have it.</summary>
internal static class PageParameters
{
    /// <returns>What is wrong, or null.</returns>
    public static ApiError? Read(IQueryCollection query, int limitDefault, int limitMax, out PageQuery page)
    {
        page = default;
        var (limit, isNewestFirst) = (limitDefault, true);
        if (query["limit"] is [{ } limitText] &&
            (!int.TryParse(limitText, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit < 1 || limit > limitMax))
        {
            return ApiError.BadRequest(
                $"'limit' is '{limitText}'; it must be a whole number from 1 to {limitMax}.", "limit", "invalid_value");
        }

        if (query["order"] is [{ } order])
        {
            if (order is not ("asc" or "desc"))
                return ApiError.BadRequest($"'order' is '{order}'; it must be 'asc' or 'desc'.", "order", "invalid_value");
            isNewestFirst = order == "desc";
        }

        page = new(query["after"] is [{ Length: > 0 } after] ? after : null, limit, isNewestFirst);
        return null;
    }

    public static Task WriteAsync<T>(
        HttpContext context, Page<T> page, Func<T, string> idOf, Action<Utf8JsonWriter, T> write) =>
        JsonAnswer.WriteAsync(context, json =>
        {
            json.WriteStartObject();
            json.WriteString("object"u8, "list"u8);
            json.WriteStartArray("data"u8);
            foreach (var item in page.Items) write(json, item);
            json.WriteEndArray();
            json.WriteString("first_id"u8, page.Items.Count == 0 ? null : idOf(page.Items[0]));
            json.WriteString("last_id"u8, page.Items.Count == 0 ? null : idOf(page.Items[^1]));
            json.WriteBoolean("has_more"u8, page.HasMore);
            json.WriteEndObject();
        });
}
