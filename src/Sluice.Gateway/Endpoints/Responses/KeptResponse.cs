using System.Text.Json;
using System.Text.Json.Nodes;
using Sluice.Storage;

namespace Sluice.Gateway;

/// <summary>A background response as the store has it: everything that is needed to run it again after a restart.</summary>
/// <param name="Request">With the messages of the responses before it, which may be gone by then.</param>
/// <param name="Class">What it was treated as.</param>
/// <param name="RequestId">Of its caller's request.</param>
internal sealed record KeptResponse(ResponseRequest Request, string Class, string RequestId)
{
    /// <summary>How long an answer can be asked for, as at OpenAI.</summary>
    private static readonly TimeSpan s_kept = TimeSpan.FromDays(30);

    /// <summary>The row that is written before its caller is told that it was accepted.</summary>
    public StoredResponse Row(ResponseState state, string tenant) => new(
        state.Id, tenant, "/v1/responses", JsonSerializer.SerializeToUtf8Bytes<JsonNode>(new JsonObject
        {
            ["body"] = Request.Body.DeepClone(), ["messages"] = Request.Messages.DeepClone(), ["class"] = Class,
            ["request_id"] = RequestId,
        }),
        null, IsFinished: false, state.CreatedAt, state.CreatedAt + (long)s_kept.TotalSeconds);

    public static KeptResponse Of(StoredResponse row)
    {
        var json = JsonNode.Parse(row.Request)!.AsObject();
        return new(
            ResponseRequest.Again(json["body"]!.AsObject(), json["messages"]!.AsArray()), json["class"]!.GetValue<string>(),
            json["request_id"]!.GetValue<string>());
    }

    /// <summary>The messages up to and with the answer of one that is finished.</summary>
    public static JsonArray Conversation(StoredResponse row)
    {
        var items = JsonNode.Parse(row.Response!)!["output"]!.AsArray();
        return ResponseState.Conversation(Of(row).Request.Messages, items.OfType<JsonObject>());
    }

    /// <summary>Its state before anything of it was made.</summary>
    public ResponseState State(StoredResponse row) => new(Request, row.Id, row.Created, Request.IsStream)
    {
        ServiceTier = ServiceTiers.Used(Request.Tier, Class)!,
    };
}
