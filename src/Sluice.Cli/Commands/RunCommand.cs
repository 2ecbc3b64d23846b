using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Sluice.Core;
using Sluice.Engine;

namespace Sluice.Cli;

/// <summary><c>sluice run</c>: one answer of a model file, in this process.</summary>
public static class RunCommand
{
    public static Command Create(Terminal terminal)
    {
        var options = new AnswerOptions();
        var command = new Command("run", "Answer a prompt with a model file (GGUF), in this process.");
        options.AddTo(command);
        command.SetAction(parsed => Execute(options.Read(parsed, terminal), terminal));
        return command;
    }

    private static int Execute(AnswerSpec spec, Terminal terminal)
    {
        var opening = TimeProvider.System.GetTimestamp();
        using var model = OpenModel.Open(spec.Model, spec.Engine);
        var loadTime = TimeProvider.System.GetElapsedTime(opening);
        var prompt = spec.PromptIds ?? PromptOf(spec, model.Text);
        if (Array.Find(prompt, id => (uint)id >= (uint)model.Transformer.Vocabulary) is not 0 and var wrong)
            throw new InputException(
                $"--prompt-ids: there is no token {wrong}; expected ids below {model.Transformer.Vocabulary}.");
        if (prompt.Length == 0)
            throw new InputException("the prompt is empty, and the model has no begin token to start from.");

        using var draft = spec.DraftModel is null ? null
            : DraftModel.Open(spec.DraftModel, model.Text, model.Loop.TokensMax, spec.Engine.Threads);
        var answer = new AnswerPrinter(spec.IsJson ? null : terminal.Out, spec.Beams is null ? null : model.Text.Tokenizer);
        var request = new GenerationRequest
        {
            Prompt = prompt,
            MaxOutputTokens = spec.MaxTokens ?? int.MaxValue,
            Chooser = _ => model.Text.Chooser(spec.Sampling),
            Sink = answer,
            Draft = spec.Lookup ? new PromptLookup(new()) : draft?.Draft,
            Beams = BeamsOf(spec, model.Text.Tokenizer),
        };
        var refusal = model.Loop.TrySubmit(request, out var generation);
        if (refusal is Refusal.TooLong)
            throw new InputException(
                $"the prompt has {prompt.Length} tokens; prompt and answer can have {model.Loop.TokensMax} together "
                + "(--kv-memory and the model's context set that).");
        Check.That(refusal == Refusal.None && generation is not null);
        while (answer.End is null)
        {
            if (terminal.Stop.IsCancellationRequested) model.Loop.Cancel(generation);
            model.Loop.Step();
        }

        if (spec.IsJson) WriteJson(terminal, prompt, answer, loadTime, spec);
        else WriteTimes(terminal, answer, loadTime, model.Loop.Core);
        return answer.End.Value.Reason == EndReason.Cancelled ? ExitCodes.Interrupted : ExitCodes.Ok;
    }

    private static BeamOptions? BeamsOf(AnswerSpec spec, Tokenizer tokenizer) => spec.Beams is { } width
        ? new() { Width = width, IsEnd = tokenizer.IsEnd }
        : null;

    private static int[] PromptOf(AnswerSpec spec, TextModel text)
    {
        if (spec.IsRaw || text.Template is null) return text.Tokenizer.Encode(spec.Prompt);
        using var messages = JsonDocument.Parse(JsonSerializer.Serialize(Messages(spec)));
        return text.ChatPrompt(new(messages.RootElement) { Now = TimeProvider.System.GetLocalNow() });
    }

    private static Dictionary<string, string>[] Messages(AnswerSpec spec)
    {
        var user = new Dictionary<string, string> { ["role"] = "user", ["content"] = spec.Prompt };
        return spec.Instructions is { } instructions
            ? [new() { ["role"] = "system", ["content"] = instructions }, user]
            : [user];
    }

    private static void WriteTimes(Terminal terminal, AnswerPrinter answer, TimeSpan loadTime, EngineCore core)
    {
        terminal.Out.WriteLine();
        terminal.Out.Flush();
        var end = answer.End!.Value;
        var (prefill, decode) = Times(end);
        var reason = end.Reason.ToString().ToLowerInvariant();
        terminal.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{end.PromptTokens} prompt tokens in {prefill:0.000} s ({Rate(end.PromptTokens, prefill)}), "
            + $"{end.OutputTokens} output tokens in {core.Iterations} steps, {decode:0.000} s "
            + $"({Rate(end.OutputTokens - 1, decode)}), loaded in {loadTime.TotalSeconds:0.00} s, ended by {reason}"));
    }

    private static string Rate(int tokens, double seconds) =>
        tokens > 0 && seconds > 0 ? (tokens / seconds).ToString("0.0", CultureInfo.InvariantCulture) + "/s" : "-";

    private static (double Prefill, double Decode) Times(in AnswerEnd end) => end.FirstTokenAt == Instant.Never
        ? (0, 0)
        : ((end.FirstTokenAt - end.SubmittedAt).TotalSeconds, (end.EndedAt - end.FirstTokenAt).TotalSeconds);

    private static void WriteJson(Terminal terminal, int[] prompt, AnswerPrinter answer, TimeSpan loadTime, AnswerSpec spec)
    {
        var end = answer.End!.Value;
        var (prefill, decode) = Times(end);
        terminal.WriteText(stream =>
        {
            using var json = new Utf8JsonWriter(stream);
            json.WriteStartObject();
            Ids(json, "prompt_ids", prompt);
            Ids(json, "output_ids", answer.Tokens.Select(t => t.Token));
            json.WriteString("text", answer.Text);
            if (spec.Sampling.Logprobs) Logprobs(json, answer.Tokens);
            json.WriteString("finish_reason", end.Reason.ToString().ToLowerInvariant());
            json.WriteStartObject("timings");
            json.WriteNumber("load_s", loadTime.TotalSeconds);
            json.WriteNumber("prompt_s", prefill);
            json.WriteNumber("output_s", decode);
            if (prefill > 0) json.WriteNumber("prompt_tokens_per_s", end.PromptTokens / prefill);
            if (decode > 0) json.WriteNumber("output_tokens_per_s", (end.OutputTokens - 1) / decode);
            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    private static void Ids(Utf8JsonWriter json, string name, IEnumerable<int> ids)
    {
        json.WriteStartArray(name);
        foreach (var id in ids) json.WriteNumberValue(id);
        json.WriteEndArray();
    }

    private static void Logprobs(Utf8JsonWriter json, IEnumerable<TokenChoice> tokens)
    {
        json.WriteStartArray("logprobs");
        foreach (var token in tokens)
        {
            json.WriteStartObject();
            json.WriteNumber("id", token.Token);
            json.WriteNumber("logprob", token.Logprob);
            json.WriteStartArray("top");
            foreach (var (id, logprob) in token.Top ?? [])
            {
                json.WriteStartArray();
                json.WriteNumberValue(id);
                json.WriteNumberValue(logprob);
                json.WriteEndArray();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
