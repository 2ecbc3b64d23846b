using System.Text.Json;
using Sluice.Core;

namespace Sluice.Engine;

/// <summary>What stands around a model's arithmetic: text to tokens, conversations to prompts, logits to text.</summary>
public sealed class TextModel(Tokenizer tokenizer, ChatTemplate? template, Pooling pooling = Pooling.None)
{
    /// <summary>How its states become an embedding; models that were not made for it say nothing.</summary>
    public Pooling Pooling => pooling;

    public Tokenizer Tokenizer => tokenizer;
    public ChatTemplate? Template => template;

    /// <summary>Chooses the tokens of one answer.</summary>
    /// <param name="sample">Which of several answers to one prompt, from 0.</param>
    /// <exception cref="InputException">An option is out of its range.</exception>
    public ITokenChooser Chooser(SamplingOptions options, int sample = 0) => new SamplingChooser(tokenizer, options, sample);

    /// <summary>The prompt of a conversation, up to where the answer begins. A last message of the assistant is
    /// continued.</summary>
    /// <exception cref="InputException">The model has no chat template, or it refuses the conversation.</exception>
    public int[] ChatPrompt(JsonElement messages, JsonElement tools)
    {
        if (template is null)
            throw new InputException("messages: this model's file has no chat template; ask for completions instead.");
        var input = new ChatInput(messages) { Tools = tools.ValueKind == JsonValueKind.Array ? tools : null };
        return tokenizer.Encode(template.Render(input));
    }
}
