using System.Globalization;
using Sluice.Core;

namespace Sluice.Upstreams;

/// <summary>A call's body as one engine is to get it.</summary>
/// <param name="Content">What goes out.</param>
/// <param name="Id">By which the engine knows the call.</param>
/// <param name="WantsUsage">The caller asked for the usage event himself.</param>
/// <param name="Seam">Joins the answer to what the caller has; null for an answer from its beginning.</param>
/// <param name="IsSaid">The caller has as many tokens as he allowed; nothing is missing but the end.</param>
internal sealed record CallBody(EditedBody Content, string Id, bool WantsUsage, Seam? Seam, bool IsSaid)
{
    /// <exception cref="InputException">The caller's body cannot be sent, or cannot be continued.</exception>
    public static CallBody Of(UpstreamCall call, Dialect dialect, UpstreamCapabilities capabilities, LlamaCppPlace? place)
    {
        var edits = new BodyEdits(call.Body);
        edits.Set("model", BodyEdits.Quote(call.Model));
        var wantsUsage = true;
        if (call.Api != UpstreamApi.Embeddings)
        {
            if (call.Stream)
            {
                edits.Set("stream", "true");
                wantsUsage = edits.SetIn("stream_options", "include_usage", "true");
            }
            else
            {
                edits.SetIfThere("stream", "false");
                edits.SetIfThere("stream_options", "null");
            }
        }

        // An engine that does not schedule by priority may refuse any but 0.
        if (capabilities.HasPriority) edits.Set("priority", dialect.Priority(call.Priority));
        else edits.SetIfThere("priority", "0");

        var seam = call.Resume is { } soFar ? new Seam(soFar.Text) : null;
        var isSaid = seam is not null && !Continue(edits, call, dialect, seam.Sent);
        var id = dialect.IdOf(call);
        dialect.Edit(edits, id);
        if (place is not null) edits.Set("id_slot", place.Slot.ToString(CultureInfo.InvariantCulture));
        return new(edits.ToBody(), id, wantsUsage, seam, isSaid);
    }

    /// <returns>False if there is nothing left to say.</returns>
    private static bool Continue(BodyEdits edits, UpstreamCall call, Dialect dialect, string text)
    {
        var isContinued = call.Api switch
        {
            UpstreamApi.ChatCompletions => dialect.ContinueChat(edits, text),
            UpstreamApi.Completions => dialect.ContinueCompletion(edits, text),
            _ => false,
        };
        if (!isContinued) throw new InputException($"{dialect.Kind} cannot go on with the answer to this request.");

        var had = call.Resume!.OutputTokens;
        edits.Reduce("min_tokens", had, 0);
        return edits.Reduce("max_tokens", had, 1) & edits.Reduce("max_completion_tokens", had, 1);
    }
}
