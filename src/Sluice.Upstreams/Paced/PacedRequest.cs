using System.Text;
using System.Text.Json;
using Sluice.Core;

namespace Sluice.Upstreams;

/// <summary>What a demo engine takes from a request's body.</summary>
internal sealed record PacedRequest
{
    private const int StopsMax = 16;
    private const int DimensionsDefault = 64;
    private const int DimensionsMax = 4096;
    private const int InputsMax = 2048;

    public required int PromptTokens { get; init; }

    /// <summary>Of the prompt; equal prompts get equal answers.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Most tokens of the answer; <see cref="int.MaxValue"/> if the caller sets no bound.</summary>
    public int TokensMax { get; private init; } = int.MaxValue;

    public int TokensMin { get; private init; }

    /// <summary>Go on to <see cref="TokensMax"/>, as vLLM's <c>ignore_eos</c>.</summary>
    public bool IsEndless { get; private init; }

    public IReadOnlyList<string> Stops { get; private init; } = [];
    public bool WantsUsage { get; private init; }

    /// <summary>The tool to call; null for an answer in text.</summary>
    public string? Tool { get; private init; }

    /// <summary>Arguments of the tool call, or a structured answer; null for text made up.</summary>
    public string? Fixed { get; private init; }

    /// <summary>Texts to embed.</summary>
    public int Inputs { get; private init; } = 1;

    public int Dimensions { get; private init; } = DimensionsDefault;
    public bool IsBase64 { get; private init; }

    /// <returns>Null, with the error body an engine would send.</returns>
    public static PacedRequest? Read(UpstreamCall call, out string error)
    {
        try
        {
            error = "";
            using var document = JsonDocument.Parse(call.Body);
            return Read(call.Api, document.RootElement);
        }
        catch (JsonException e)
        {
            error = ErrorJson.Write($"The body is not JSON: {e.Message}");
        }
        catch (InvalidOperationException)
        {
            error = ErrorJson.Write("The body holds text that is not valid Unicode.");
        }
        catch (InputException e)
        {
            error = ErrorJson.Write(e.Message);
        }

        return null;
    }

    private static PacedRequest Read(UpstreamApi api, JsonElement body)
    {
        if (body.ValueKind != JsonValueKind.Object) throw new InputException("The body must be a JSON object.");
        var prompt = Prompt(api, body);
        if (Whole(body, "n", 1, 128) is > 1) throw new InputException("n: the demo engine gives one answer to a request.");

        var request = new PacedRequest
        {
            PromptTokens = PromptSize.Tokens(body),
            Seed = Hash(prompt.GetRawText()),
            TokensMax = Whole(body, "max_completion_tokens", 1, int.MaxValue) ?? Whole(body, "max_tokens", 1, int.MaxValue)
                ?? (api == UpstreamApi.Completions ? 16 : int.MaxValue), // OpenAI's default for completions
            TokensMin = Whole(body, "min_tokens", 0, int.MaxValue) ?? 0,
            IsEndless = Flag(body, "ignore_eos"),
            Stops = ReadStops(body),
            WantsUsage = Object(body, "stream_options") is { } options && Flag(options, "include_usage"),
        };
        return api switch
        {
            UpstreamApi.ChatCompletions => WithTool(request, body),
            UpstreamApi.Embeddings => request with
            {
                Inputs = InputsOf(prompt),
                Dimensions = Whole(body, "dimensions", 1, DimensionsMax) ?? DimensionsDefault,
                IsBase64 = Text(body, "encoding_format") == "base64",
            },
            _ => request,
        };
    }

    private static JsonElement Prompt(UpstreamApi api, JsonElement body)
    {
        var name = api switch
        {
            UpstreamApi.ChatCompletions => "messages",
            UpstreamApi.Completions => "prompt",
            _ => "input",
        };
        if (!body.TryGetProperty(name, out var prompt)) throw new InputException($"{name} is missing.");
        var isList = prompt.ValueKind == JsonValueKind.Array;
        if (isList && prompt.GetArrayLength() == 0) throw new InputException($"{name} is empty.");
        if (!isList && (api == UpstreamApi.ChatCompletions || prompt.ValueKind != JsonValueKind.String))
            throw new InputException($"{name} must be {(api == UpstreamApi.ChatCompletions ? "a list" : "text or a list")}.");
        return prompt;
    }

    private static PacedRequest WithTool(PacedRequest request, JsonElement body)
    {
        if (ChosenTool(body) is { } tool)
            return request with
            {
                Tool = Text(tool, "name") ?? throw new InputException("tools: a function has no name."),
                Fixed = SchemaSample.Write(tool.TryGetProperty("parameters"u8, out var schema) ? schema : default),
            };

        if (Object(body, "response_format") is not { } format || Text(format, "type") is null or "text") return request;
        var wanted = Object(format, "json_schema") is { } named && named.TryGetProperty("schema"u8, out var s) ? s : default;
        return request with { Fixed = SchemaSample.Write(wanted) };
    }

    /// <summary>The function that <c>tool_choice</c> forces; the first one if it only says that there must be one.</summary>
    private static JsonElement? ChosenTool(JsonElement body)
    {
        if (!body.TryGetProperty("tool_choice"u8, out var choice)) return null;
        var isAny = choice.ValueKind == JsonValueKind.String && choice.ValueEquals("required"u8);
        var name = Object(choice, "function") is { } asked ? Text(asked, "name") : null;
        if (!isAny && name is null) return null;

        if (body.TryGetProperty("tools"u8, out var tools) && tools.ValueKind == JsonValueKind.Array)
            foreach (var tool in tools.EnumerateArray())
                if (Object(tool, "function") is { } function && (isAny || Text(function, "name") == name)) return function;
        throw new InputException($"tool_choice: no such tool{(name is null ? "" : $", {name}")}.");
    }

    private static int InputsOf(JsonElement input)
    {
        // Text, a list of texts, one list of token ids, or a list of such lists.
        var isOne = input.ValueKind == JsonValueKind.String || input[0].ValueKind == JsonValueKind.Number;
        var inputs = isOne ? 1 : input.GetArrayLength();
        return inputs <= InputsMax ? inputs : throw new InputException($"input: {inputs} texts, at most {InputsMax} in one request.");
    }

    private static string[] ReadStops(JsonElement body)
    {
        if (!body.TryGetProperty("stop"u8, out var stop) || stop.ValueKind == JsonValueKind.Null) return [];
        JsonElement[] stops = stop.ValueKind == JsonValueKind.Array ? [.. stop.EnumerateArray()] : [stop];
        if (stops.Length > StopsMax) throw new InputException($"stop: {stops.Length} texts, at most {StopsMax}.");
        if (stops.Any(s => s.ValueKind != JsonValueKind.String)) throw new InputException("stop must be text or a list of texts.");
        return [.. stops.Select(s => s.GetString()!).Where(s => s.Length > 0)];
    }

    private static int? Whole(JsonElement body, string name, int least, int most)
    {
        if (!body.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= least && number <= most
            ? number
            : throw new InputException($"{name} must be a whole number from {least} to {most}.");
    }

    private static bool Flag(JsonElement body, string name) =>
        body.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;

    private static string? Text(JsonElement body, string name) =>
        body.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static JsonElement? Object(JsonElement body, string name) =>
        body.ValueKind == JsonValueKind.Object && body.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object
            ? value
            : null;

    private static ulong Hash(string text)
    {
        var hash = 14695981039346656037UL;
        foreach (var b in Encoding.UTF8.GetBytes(text)) hash = (hash ^ b) * 1099511628211UL;
        return hash;
    }
}
