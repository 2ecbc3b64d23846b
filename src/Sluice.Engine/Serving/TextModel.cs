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

    /// <summary>The prompt of a conversation. Control tokens within its messages count as such, as with other
    /// engines.</summary>
    /// <exception cref="InputException">The model has no chat template, or it refuses the conversation.</exception>
    public int[] ChatPrompt(ChatInput input) => template is not null
        ? tokenizer.Encode(template.Render(input))
        : throw new InputException("messages: this model's file has no chat template; ask for completions instead.");
}
