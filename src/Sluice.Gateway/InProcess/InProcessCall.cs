using System.Globalization;
using System.Text.Json;
using Sluice.Core;
using Sluice.Engine;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>What an engine in process takes from a caller's body.</summary>
internal sealed record InProcessCall
{
    private const int StopsMax = 16;
    private const int PromptsMax = 128;
    private const int AnswersMax = 128;
    private const int TopLogprobsMax = 20;

    /// <summary>Token ids of each prompt.</summary>
    public required IReadOnlyList<int[]> Prompts { get; init; }

    /// <summary>Answers to each prompt.</summary>
    public int Samples { get; private init; } = 1;

    /// <summary>Null for as many as fit.</summary>
    public int? OutputTokensMax { get; private init; }

    /// <summary>How tokens are chosen; the seed drawn if the caller gave none.</summary>
    public SamplingOptions Sampling { get; private init; } = new();
    public bool WantsUsage { get; private init; }

    /// <summary>Tools that the answer may call; null if its text is left as it is.</summary>
    public ToolCalls? Tools { get; private init; }

    public int Answers => Prompts.Count * Samples;

    /// <exception cref="InputException">Something in the body cannot be used; the message names it.</exception>
    /// <exception cref="JsonException">The body is not JSON.</exception>
    /// <param name="now">For chat templates that write the date.</param>
    public static InProcessCall Read(UpstreamCall call, TextModel model, DateTimeOffset now)
    {
        using var document = JsonDocument.Parse(call.Body);
        var body = document.RootElement;
        if (body.ValueKind != JsonValueKind.Object) throw new InputException("The body must be a JSON object.");
        var isChat = call.Api == UpstreamApi.ChatCompletions;
        var prompts = isChat ? [Chat(body, model, now)] : Texts(body, "prompt", model, PromptsMax);
        var samples = BodyFields.Whole(body, "n", 1, AnswersMax) ?? 1;
        if (prompts.Count * samples > AnswersMax)
            throw new InputException($"n: {samples} answers to {prompts.Count} prompts, at most {AnswersMax} in one call.");

        var tools = isChat ? InProcessTools.Read(body, model) : default;
        var sampling = ReadSampling(body, isChat);
        return new()
        {
            Prompts = prompts,
            Samples = samples,
            OutputTokensMax = BodyFields.Whole(body, "max_completion_tokens", 1, int.MaxValue)
                ?? BodyFields.Whole(body, "max_tokens", 1, int.MaxValue)
                ?? (isChat ? null : 16), // OpenAI's default for completions
            Sampling = tools.Forced is null ? sampling : sampling with { Grammar = tools.Forced },
            Tools = tools.Calls,
            WantsUsage = BodyFields.Object(body, "stream_options") is { } options && BodyFields.Flag(options, "include_usage"),
        };
    }

    private static int[] Chat(JsonElement body, TextModel model, DateTimeOffset now)
    {
        if (!body.TryGetProperty("messages"u8, out var messages) || messages.ValueKind != JsonValueKind.Array)
            throw new InputException("messages must be a list.");
        if (messages.GetArrayLength() == 0) throw new InputException("messages is empty.");
        body.TryGetProperty("tools"u8, out var tools);
        return model.ChatPrompt(new(messages)
        {
            Tools = tools.ValueKind == JsonValueKind.Array ? tools : null,
            Variables = BodyFields.Object(body, "chat_template_kwargs"),
            AddsGenerationPrompt = BodyFields.FlagOrNull(body, "add_generation_prompt") ?? true,
            Now = now,
        });
    }

    /// <summary>Text, a list of texts, one list of token ids, or a list of such lists.</summary>
    public static IReadOnlyList<int[]> Texts(JsonElement body, string name, TextModel model, int most)
    {
        if (!body.TryGetProperty(name, out var texts)) throw new InputException($"{name} is missing.");
        var isMany = texts.ValueKind == JsonValueKind.Array && texts.GetArrayLength() > 0
            && texts[0].ValueKind is JsonValueKind.String or JsonValueKind.Array;
        if (!isMany) return [Tokens(texts, name, model)];
        if (texts.GetArrayLength() > most)
            throw new InputException($"{name}: {texts.GetArrayLength()} texts, at most {most} in one call.");
        return [.. texts.EnumerateArray().Select(t => Tokens(t, name, model))];
    }

    private static int[] Tokens(JsonElement text, string name, TextModel model)
    {
        if (text.ValueKind == JsonValueKind.String) return model.Tokenizer.Encode(text.GetString());
        if (text.ValueKind != JsonValueKind.Array) throw new InputException($"{name} must be text, a list of texts or token ids.");
        var count = model.Tokenizer.Vocabulary.Count;
        var ids = new int[text.GetArrayLength()];
        for (var i = 0; i < ids.Length; i++)
            if (text[i].ValueKind != JsonValueKind.Number || !text[i].TryGetInt32(out ids[i]) || (uint)ids[i] >= (uint)count)
                throw new InputException($"{name}: token {i} must be a whole number below {count}.");
        return ids;
    }

    /// <summary>Ranges are checked where the options are used; what is read here only has to fit its type.</summary>
    private static SamplingOptions ReadSampling(JsonElement body, bool isChat)
    {
        var top = isChat
            ? BodyFields.Flag(body, "logprobs") ? BodyFields.Whole(body, "top_logprobs", 0, TopLogprobsMax) ?? 0 : (int?)null
            : BodyFields.Whole(body, "logprobs", 0, TopLogprobsMax);
        return new()
        {
            Temperature = Number(body, "temperature", 0, 100, 1),
            TopP = Number(body, "top_p", 0, 1, 1) is > 0 and var p ? p : float.Epsilon, // 0 is the likeliest token alone.
            TopK = BodyFields.Whole(body, "top_k", -1, int.MaxValue) is > 0 and var k ? k : 0,
            MinP = Number(body, "min_p", 0, 1, 0),
            PresencePenalty = Number(body, "presence_penalty", -2, 2, 0),
            FrequencyPenalty = Number(body, "frequency_penalty", -2, 2, 0),
            RepetitionPenalty = Number(body, "repetition_penalty", 0.001, 1000, 1),
            Seed = (ulong)(BodyFields.Whole(body, "seed", int.MinValue, int.MaxValue) ?? Random.Shared.Next()),
            LogitBias = Biases(body),
            Logprobs = top is not null,
            TopLogprobs = top ?? 0,
            Stop = BodyFields.Texts(body, "stop", StopsMax),
            IncludesStop = BodyFields.Flag(body, "include_stop_str_in_output"),
            IgnoresEnd = BodyFields.Flag(body, "ignore_eos"),
            MinTokens = BodyFields.Whole(body, "min_tokens", 0, int.MaxValue) ?? 0,
            Grammar = GrammarOf(body),
        };
    }

    private static float Number(JsonElement body, string name, double least, double most, float otherwise) =>
        (float)(BodyFields.Number(body, name, least, most) ?? otherwise);

    private static Dictionary<int, float>? Biases(JsonElement body)
    {
        if (BodyFields.Object(body, "logit_bias") is not { } biases) return null;
        var read = new Dictionary<int, float>();
        foreach (var bias in biases.EnumerateObject())
        {
            if (!int.TryParse(bias.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var token)
                || bias.Value.ValueKind != JsonValueKind.Number || !bias.Value.TryGetSingle(out var value))
                throw new InputException($"logit_bias: {bias.Name}: expected a token id with a number from -100 to 100.");
            read[token] = value;
        }

        return read;
    }

    private static JsonGrammar? GrammarOf(JsonElement body)
    {
        if (BodyFields.Object(body, "response_format") is not { } format) return null;
        switch (BodyFields.Text(format, "type"))
        {
            case null or "text":
                return null;
            case "json_object":
                return JsonGrammar.AnyObject;
            case "json_schema":
                if (BodyFields.Object(format, "json_schema") is { } named && named.TryGetProperty("schema"u8, out var schema))
                    return JsonGrammar.OfSchema(schema);
                throw new InputException("response_format: json_schema has no schema.");
            case var other:
                throw new InputException($"response_format: type {other} is not known; expected text, json_object or json_schema.");
        }
    }
}
