using System.CommandLine;
using System.Globalization;
using Sluice.Core;
using Sluice.Engine;

namespace Sluice.Cli;

/// <summary>What <c>sluice run</c> was asked for.</summary>
internal sealed record AnswerSpec
{
    public required string Model { get; init; }
    public string Prompt { get; init; } = "";

    /// <summary>Instead of a text; as they are.</summary>
    public int[]? PromptIds { get; init; }

    /// <summary>Without chat template.</summary>
    public bool IsRaw { get; init; }

    /// <summary>A system message before the prompt.</summary>
    public string? Instructions { get; init; }

    public int? MaxTokens { get; init; }
    public required SamplingOptions Sampling { get; init; }
    public required EngineSettings Engine { get; init; }

    /// <summary>Guess from the text before.</summary>
    public bool Lookup { get; init; }

    /// <summary>Guess with this model file.</summary>
    public string? DraftModel { get; init; }

    /// <summary>Answers that a beam search follows; null for none.</summary>
    public int? Beams { get; init; }
    public bool IsJson { get; init; }
}

/// <summary>The flags of <c>sluice run</c>.</summary>
internal sealed class AnswerOptions
{
    private readonly Argument<string> _model = new("MODEL") { Description = "model file (.gguf)" };
    private readonly Argument<string?> _prompt = new("PROMPT")
    {
        Description = "what to answer; '-' or nothing reads it from standard input", Arity = ArgumentArity.ZeroOrOne,
    };
    private readonly Option<string> _promptIds = Text("--prompt-ids", "1,2,3", "token ids instead of a text, as they are");
    private readonly Option<bool> _raw = new("--raw") { Description = "no chat template: go on with the text as it stands" };
    private readonly Option<string> _instructions = Text("--instructions", "TEXT", "system message before the prompt");
    private readonly Option<int?> _maxTokens = Whole("--max-tokens", "most tokens of the answer [as many as fit]");
    private readonly Option<double?> _temperature = Number("--temperature", "0 for the likeliest token always [0.8]");
    private readonly Option<int?> _topK = Whole("--top-k", "draw from the K likeliest, 0 for all [40]");
    private readonly Option<double?> _topP = Number("--top-p", "draw from the likeliest that make up this probability [0.95]");
    private readonly Option<double?> _minP = Number(
        "--min-p", "leave out what is less likely than this share of the likeliest [0.05]");
    private readonly Option<int?> _seed = Whole("--seed", "same seed, same answer [random]");
    private readonly Option<string[]> _stop = new("--stop")
    {
        Description = "text that ends the answer; may be given several times", HelpName = "TEXT",
        Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = false,
    };
    private readonly Option<int?> _logprobs = Whole(
        "--logprobs", "with --json: log probabilities of the K likeliest tokens, 0 to 20");
    private readonly Option<bool> _ignoreEnd = new("--ignore-end") { Description = "go on after end tokens, up to --max-tokens" };
    private readonly Option<bool> _jsonMode = new("--json-mode") { Description = "the answer is one JSON object" };
    private readonly Option<bool> _lookup = new("--lookup")
    {
        Description = "guess tokens from the text before and verify them together; same answer, fewer steps where it repeats",
    };
    private readonly Option<string> _draftModel = Text(
        "--draft-model", "FILE.gguf", "guess tokens with this smaller model of the same vocabulary; same answer, fewer steps");
    private readonly Option<int?> _beams = Whole(
        "--beams", "search for the likeliest answer among N at a time, 1 to 32, instead of drawing tokens");
    private readonly Option<bool> _json = new("--json") { Description = "print one JSON object to standard output" };
    private readonly EngineOptions _engine = new();

    public void AddTo(Command command)
    {
        command.Arguments.Add(_model);
        command.Arguments.Add(_prompt);
        foreach (var option in new Option[]
                 {
                     _promptIds, _raw, _instructions, _maxTokens, _temperature, _topK, _topP, _minP, _seed, _stop, _logprobs,
                     _ignoreEnd, _jsonMode, _lookup, _draftModel, _beams, _json,
                 })
            command.Options.Add(option);
        _engine.AddTo(command);
    }

    /// <exception cref="InputException">A value cannot be used.</exception>
    public AnswerSpec Read(ParseResult parsed, Terminal terminal)
    {
        var ids = parsed.GetValue(_promptIds) is { } text ? ReadIds(text) : null;
        var prompt = parsed.GetValue(_prompt);
        if (ids is not null && prompt is not null) throw new InputException("--prompt-ids: expected either ids or a text.");
        if (ids is null && prompt is null or "-") prompt = terminal.ReadInput();
        var logprobs = parsed.GetValue(_logprobs);
        if (logprobs is < 0 or > 20) throw new InputException($"--logprobs {logprobs}: expected 0 to 20.");
        if (logprobs is not null && !parsed.GetValue(_json)) throw new InputException("--logprobs: expected --json beside it.");
        var beams = InRange(parsed, _beams, 1, 32);
        var (lookup, draftModel) = (parsed.GetValue(_lookup), parsed.GetValue(_draftModel));
        if ((lookup ? 1 : 0) + (draftModel is null ? 0 : 1) + (beams is null ? 0 : 1) > 1)
            throw new InputException("--lookup, --draft-model and --beams: expected at most one of them.");
        if (beams is not null && (logprobs is not null || parsed.GetValue(_jsonMode) || parsed.GetValue(_ignoreEnd)
            || parsed.GetValue(_stop) is { Length: > 0 }))
            throw new InputException("--beams: expected neither --logprobs, --json-mode, --ignore-end nor --stop beside it.");
        var temperature = InRange(parsed, _temperature, 0, 100) ?? 0.8;
        return new()
        {
            Model = parsed.GetValue(_model)!,
            Prompt = prompt ?? "",
            PromptIds = ids,
            IsRaw = parsed.GetValue(_raw),
            Instructions = parsed.GetValue(_instructions),
            MaxTokens = InRange(parsed, _maxTokens, 1, int.MaxValue),
            Sampling = new()
            {
                Temperature = (float)temperature,
                TopK = InRange(parsed, _topK, 0, int.MaxValue) ?? 40,
                TopP = (float)(InRange(parsed, _topP, 0.000001, 1) ?? 0.95),
                MinP = (float)(InRange(parsed, _minP, 0, 1) ?? 0.05),
                Seed = (ulong)(parsed.GetValue(_seed) ?? Random.Shared.Next()),
                Stop = parsed.GetValue(_stop) ?? [],
                IgnoresEnd = parsed.GetValue(_ignoreEnd),
                Logprobs = logprobs is not null,
                TopLogprobs = logprobs ?? 0,
                Grammar = parsed.GetValue(_jsonMode) ? JsonGrammar.AnyObject : null,
            },
            Engine = _engine.Read(parsed),
            Lookup = lookup,
            DraftModel = draftModel,
            Beams = beams,
            IsJson = parsed.GetValue(_json),
        };
    }

    private static int[] ReadIds(string text)
    {
        var parts = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0) throw new InputException("--prompt-ids: expected token ids such as 1,2,3.");
        return Array.ConvertAll(parts, part =>
            int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                ? id
                : throw new InputException($"--prompt-ids: '{part}' is no token id, expected such as 1,2,3."));
    }

    private static int? InRange(ParseResult parsed, Option<int?> option, int least, int most) =>
        parsed.GetValue(option) is not { } value ? null
        : value >= least && value <= most ? value
        : throw new InputException($"{option.Name} {value}: expected {least} to {most}.");

    private static double? InRange(ParseResult parsed, Option<double?> option, double least, double most) =>
        parsed.GetValue(option) is not { } value ? null
        : value >= least && value <= most ? value
        : throw new InputException(FormattableString.Invariant($"{option.Name} {value}: expected {least} to {most}."));

    private static Option<string> Text(string name, string value, string description) =>
        new(name) { Description = description, HelpName = value };

    private static Option<int?> Whole(string name, string description) =>
        new(name) { Description = description, HelpName = "N" };

    private static Option<double?> Number(string name, string description) =>
        new(name) { Description = description, HelpName = "X" };
}
