using System.Text.Json;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>What a template makes a prompt of, as it came in a request.</summary>
/// <param name="Messages">An array of objects with <c>role</c> and <c>content</c>, and whatever else the template knows.</param>
public sealed record ChatInput(JsonElement Messages)
{
    /// <summary>The prompt ends where the assistant's answer begins.</summary>
    public bool AddsGenerationPrompt { get; init; } = true;

    /// <summary>An array of tools as the API has them, or null.</summary>
    public JsonElement? Tools { get; init; }

    /// <summary>An object of further variables (<c>chat_template_kwargs</c>), or null.</summary>
    public JsonElement? Variables { get; init; }

    /// <summary>For templates that write the date; null for none.</summary>
    public DateTimeOffset? Now { get; init; }
}

/// <summary>Writes a conversation as the text that a model was trained on. May be used from any thread.</summary>
/// <remarks>A template is a program in a subset of Jinja that comes with the model's file. It can compute nothing but text, and
/// ends within a bounded number of steps and characters.</remarks>
public sealed class ChatTemplate
{
    /// <summary>A text that no template has.</summary>
    private const string Probe = "Sluice's probe";

    private readonly List<TemplateStatement> _body;
    private readonly string _bos;
    private readonly string _eos;
    private readonly bool _dropsBos;
    private readonly ChatMessages.Shapes _shapes;

    private ChatTemplate(string source, string origin, string bos, string eos, bool dropsBos)
    {
        _body = TemplateParser.Parse(source);
        (Source, Origin, _bos, _eos, _dropsBos) = (source, origin, bos, eos, dropsBos);
        _shapes = new(
            Takes($"\"{Probe}\""),
            Takes($"[{{\"type\": \"text\", \"text\": \"{Probe}\"}}]"),
            Answer("assistant", "null").Contains("None", StringComparison.Ordinal));
    }

    public string Source { get; }

    /// <summary>Where it comes from, for display: the file, or the name of a well-known one.</summary>
    public string Origin { get; }

    /// <summary>The file's own template, else the well-known one that its control tokens speak of, else null: the model is for
    /// completions only.</summary>
    /// <exception cref="InputException">The file's template has parts that are not supported.</exception>
    public static ChatTemplate? Read(GgufFile file, Tokenizer tokenizer)
    {
        var own = file.Metadata.FindText("tokenizer.chat_template");
        var known = own is null ? KnownTemplates.Find(tokenizer.Vocabulary) : null;
        var source = own ?? known?.Source;
        if (source is null) return null;
        string TextOf(int token) => token >= 0 ? tokenizer.Vocabulary.Text(token) : "";
        try
        {
            return new(source, known?.Name ?? "model file", TextOf(tokenizer.Bos), TextOf(tokenizer.Eos), tokenizer.AddsBos);
        }
        catch (InputException e)
        {
            throw new InputException($"{file.Path}: {e.Message}");
        }
    }

    /// <summary>A template that did not come with a model.</summary>
    /// <param name="dropsBos">The tokenizer adds the begin token, so that the prompt must not begin with it.</param>
    public static ChatTemplate Parse(string source, string bos = "", string eos = "", bool dropsBos = false) =>
        new(source, "given", bos, eos, dropsBos);

    /// <summary>The prompt, to be encoded with control tokens parsed and begin token added.</summary>
    /// <exception cref="InputException">The template refuses the conversation, or does not end.</exception>
    public string Render(ChatInput input)
    {
        if (input.Messages.ValueKind != JsonValueKind.Array)
            throw new InputException($"messages: is {input.Messages.ValueKind}; expected an array.");
        InputException? first = null;
        foreach (var messages in ChatMessages.Ways(input.Messages, _shapes))
        {
            try
            {
                return Render(input, messages);
            }
            catch (InputException e)
            {
                first ??= e;
            }
        }

        throw first!;
    }

    private string Render(ChatInput input, List<object?> messages)
    {
        var globals = TemplateGlobals.Make(input.Now);
        if (input.Variables is { ValueKind: JsonValueKind.Object } variables)
            foreach (var variable in variables.EnumerateObject()) globals[variable.Name] = TemplateValues.FromJson(variable.Value);
        globals["messages"] = messages;
        globals["add_generation_prompt"] = input.AddsGenerationPrompt;
        globals["bos_token"] = _bos;
        globals["eos_token"] = _eos;
        globals["tools"] = input.Tools is { ValueKind: JsonValueKind.Array } tools ? TemplateValues.FromJson(tools) : null;

        var run = new TemplateRun(globals);
        TemplateStatement.RunWhole(run, _body);
        var prompt = run.Output.ToString();

        // A template that writes the begin token itself must not give a second one.
        return _dropsBos && _bos.Length > 0 && prompt.StartsWith(_bos, StringComparison.Ordinal) ? prompt[_bos.Length..] : prompt;
    }

    /// <summary>Whether content of this shape comes out as the text it is.</summary>
    private bool Takes(string content)
    {
        var prompt = Answer("user", content);
        return prompt.Contains(Probe, StringComparison.Ordinal) && !prompt.Contains("'type'", StringComparison.Ordinal);
    }

    /// <summary>What the template makes of a message, after one of a user if it is not one itself; nothing if it refuses.</summary>
    private string Answer(string role, string content)
    {
        var before = role == "user" ? "" : $"{{\"role\": \"user\", \"content\": \"{Probe}\"}}, ";
        using var messages = JsonDocument.Parse($"[{before}{{\"role\": \"{role}\", \"content\": {content}}}]");
        try
        {
            return Render(new(messages.RootElement), (List<object?>)TemplateValues.FromJson(messages.RootElement)!);
        }
        catch (InputException)
        {
            return "";
        }
    }
}
