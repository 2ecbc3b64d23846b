using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using Sluice.Core;
using Sluice.Engine;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>A call for embeddings: each text becomes a vector, one after another between the engine's steps.</summary>
internal static class InProcessEmbeddings
{
    private const int InputsMax = 2048;

    /// <exception cref="InputException">Something in the body cannot be used; the message names it.</exception>
    /// <exception cref="JsonException">The body is not JSON.</exception>
    public static async Task<CallOutcome> RunAsync(UpstreamCall call, ModelLease lease, IAnswerSink sink, CancellationToken cancel)
    {
        using var document = JsonDocument.Parse(call.Body);
        var body = document.RootElement;
        if (body.ValueKind != JsonValueKind.Object) throw new InputException("The body must be a JSON object.");
        var inputs = InProcessCall.Texts(body, "input", lease.Model, InputsMax);
        var width = lease.Engine.EmbeddingWidth;
        if (width == 0) throw new InputException($"{call.Model} gives no embeddings.");
        var dimensions = BodyFields.Whole(body, "dimensions", 1, width) ?? width;
        if (dimensions != width)
            throw new InputException($"dimensions: {call.Model} gives {width}, and cannot be cut to {dimensions}.");

        var vectors = new List<float[]>();
        foreach (var input in inputs)
        {
            var (refusal, vector) = await lease.Engine.EmbedAsync(input, lease.Model.Pooling).WaitAsync(cancel).ConfigureAwait(false);
            if (refusal == Refusal.Busy) return InProcessUpstream.Busy("The engine has no KV memory free for this text now.");
            if (refusal == Refusal.Broken) return new(CallEnd.Broken, 0, -1, 0, lease.Engine.Fault ?? "The engine was stopped.");
            if (refusal == Refusal.TooLong)
                throw new InputException($"input: a text of {input.Length} tokens, at most {lease.Engine.TokensMax}.");
            if (vector is null) throw new InputException("input: a text is empty.");
            vectors.Add(vector);
        }

        var tokens = inputs.Sum(i => i.Length);
        await sink.OnDataAsync(
            Write(call.Model, vectors, BodyFields.Text(body, "encoding_format") == "base64", tokens), 0, cancel).ConfigureAwait(false);
        return new(CallEnd.Completed, 200, tokens, 0, "");
    }

    private static ReadOnlyMemory<byte> Write(string model, List<float[]> vectors, bool isBase64, int tokens)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteString("object"u8, "list"u8);
        json.WriteStartArray("data"u8);
        for (var i = 0; i < vectors.Count; i++)
        {
            json.WriteStartObject();
            json.WriteString("object"u8, "embedding"u8);
            json.WriteNumber("index"u8, i);
            json.WritePropertyName("embedding"u8);
            if (isBase64)
            {
                json.WriteBase64StringValue(MemoryMarshal.AsBytes(vectors[i].AsSpan()));
            }
            else
            {
                json.WriteStartArray();
                foreach (var number in vectors[i]) json.WriteNumberValue(number);
                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("model"u8, model);
        json.WriteStartObject("usage"u8);
        json.WriteNumber("prompt_tokens"u8, tokens);
        json.WriteNumber("total_tokens"u8, tokens);
        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenMemory;
    }
}
